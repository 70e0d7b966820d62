// Files and the program: the layout of the folder, the choice of a face, errors about missing
// files, and one run with the real models over sample photos.
#include "clients/lfw/photos.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/clients/ctl/process_support.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus::lfw {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const char* variable, const std::string& usual) {
    const char* folder = std::getenv(variable);
    return folder != nullptr ? folder : VULTUS_SOURCE_DIR + usual;
}

class photos : public ::testing::Test {
 protected:
    std::string put(const std::string& name, const std::string& bytes) const {
        fs::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
        return (folder_ / name).string();
    }

    void put_sample(const std::string& name, const std::string& sample) const {
        fs::create_directories((folder_ / name).parent_path());
        fs::copy_file(fs::path(folder_of("VULTUS_PHOTOS", "/build/photos")) / sample,
                      folder_ / name);
    }

    /// Three photos of one, one of another.
    void put_samples() const {
        put_sample("Obama/Obama_0001.jpg", "obama.jpg");
        put_sample("Obama/Obama_0002.jpg", "obama2.jpg");
        put_sample("Obama/Obama_0003.jpg", "obama3.jpg");
        put_sample("Biden/Biden_0001.jpg", "biden.jpg");
    }

    ctl::outcome run(const std::string& pairs, std::vector<std::string> more = {}) const {
        std::vector<std::string> words{VULTUS_LFW,
                                       "--images",
                                       folder_.string(),
                                       "--pairs",
                                       pairs,
                                       "--models",
                                       folder_of("VULTUS_MODELS", "/build/models")};
        words.insert(words.end(), more.begin(), more.end());
        return ctl::run_program(words);
    }

    temporary_folder own_;
    const fs::path folder_ = own_.path();
};

TEST_F(photos, are_found_by_name_then_number) {
    for (const char* name :
         {"Bob/Bob_0010.jpg", "Bob/Bob_0002.jpg", "Ann/Ann_0001.jpg", "Bob/Bob_2.jpg",
          "Bob/Ann_0001.jpg", "readme.txt", "Bob/more/Bob_0003.jpg"}) {
        put(name, "");
    }
    const auto found = photos_below(folder_.string());
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(*found, (std::vector<photo_id>{{"Ann", 1}, {"Bob", 2}, {"Bob", 10}}));
    EXPECT_EQ(photos_below((folder_ / "nowhere").string()).error().code, errc::not_found);
    EXPECT_EQ(photos_below((folder_ / "Bob").string()).error().code, errc::not_found);
}

TEST_F(photos, of_the_pairs_are_each_taken_once) {
    for (const char* name : {"Bob/Bob_0002.jpg", "Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg"}) {
        put(name, "");
    }
    auto list = *read_pairs("1\nAnn 2 1\nAnn 1 Bob 2\n", "p.txt");
    const auto found = photos_of(list, "p.txt", folder_.string());
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(*found, (std::vector<photo_id>{{"Ann", 1}, {"Ann", 2}, {"Bob", 2}}));
    fs::remove(folder_ / "Bob/Bob_0002.jpg");
    const auto missing = photos_of(list, "p.txt", folder_.string());
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().detail,
              "p.txt:3: no photo " + folder_.string() + "/Bob/Bob_0002.jpg");
}

TEST(middle_face, is_the_nearest_to_the_middle_and_the_larger_of_two) {
    const image photo(250, 250);
    const box large{0, 0, 99, 99}, middle{110, 100, 149, 139}, left{60, 100, 119, 149},
        right{130, 100, 189, 149};
    EXPECT_EQ(middle_face({{{large, 9}, {middle, 1}}, false}, photo)->where, middle);
    EXPECT_EQ(middle_face({{{middle, 1}, {large, 9}}, false}, photo)->where, middle);
    EXPECT_EQ(middle_face({{{left, 1}, {right, 1}}, false}, photo)->where, left);
    EXPECT_FALSE(middle_face({}, photo).has_value());
}

TEST_F(photos, that_are_missing_or_pairs_that_are_wrong_end_with_2_and_a_line) {
    put("Ann/Ann_0001.jpg", "");
    const std::string pairs = put("pairs.txt", "1\nAnn 1 2\nAnn 1 Bob 1\n");
    auto end = run(pairs);
    EXPECT_EQ(end.code, 2);
    EXPECT_NE(end.err.find("pairs.txt:2: no photo "), std::string::npos) << end.err;
    EXPECT_EQ(end.out, "");
    end = run(put("pairs.txt", "1\nAnn one two\n"));
    EXPECT_EQ(end.code, 2);
    EXPECT_NE(end.err.find("pairs.txt:2: a matched pair"), std::string::npos) << end.err;
    EXPECT_EQ(run((folder_ / "none.txt").string()).code, 2);
    EXPECT_EQ(run(pairs, {"--embedding", "other"}).code, 2);
    EXPECT_EQ(run(pairs, {"--draws", "0"}).code, 2);
}

TEST_F(photos, that_cannot_be_decoded_end_with_1_and_their_name) {
    for (const char* name : {"Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg", "Bob/Bob_0001.jpg"}) {
        put(name, "no picture");
    }
    const auto end = run(put("pairs.txt", "1\nAnn 1 2\nAnn 1 Bob 1\n"));
    EXPECT_EQ(end.code, 1);
    EXPECT_NE(end.err.find("_000"), std::string::npos) << end.err;
}

TEST_F(photos, are_told_apart_by_the_real_models) {
    put_samples();
    const std::string pairs = put("pairs.txt",
                                  "2 1\nObama 1 2\nObama 3 Biden 1\n"
                                  "Obama 2 3\nObama 2 Biden 1\n");
    const std::string svg = (folder_ / "roc.svg").string();
    const auto end = run(pairs, {"--json", "--embedding", "all", "--min-face-px", "80",
                                 "--calibrate", "--threads", "2", "--roc", svg});
    ASSERT_EQ(end.code, 0) << end.err;
    EXPECT_EQ(end.err.find(" of 4 photos"), std::string::npos);  // nobody watches: no progress
    const auto found = boost::json::parse(end.out).as_object();
    EXPECT_EQ(found.at("photos"), 4);
    EXPECT_EQ(found.at("photos_missed"), 0);
    for (const auto& [name, figures] : found.at("embeddings").as_object()) {
        EXPECT_EQ(figures.at("accuracy").to_number<double>(), 1) << name;
        EXPECT_EQ(figures.at("auc").to_number<double>(), 1) << name;
        EXPECT_EQ(figures.at("calibration").at("people"), 2) << name;
    }
    EXPECT_TRUE(fs::exists(svg));
}

TEST(quality_gate, what_it_refuses_is_left_out_with_its_pairs) {
    raw_face good;
    good.quality = {1, 200, 0.6, 0.5, {}};
    raw_face small = good;
    small.quality.size_px = 10;
    const photo_id a{"Ada", 1}, b{"Ada", 2}, c{"Bob", 1};
    const auto run = [&](quality_gate level, std::size_t photos_left, std::size_t pairs_left) {
        pair_list pairs;
        pairs.pairs = {{a, b}, {a, c}};
        std::vector<photo_id> photos{a, b, c};
        std::vector<std::optional<raw_face>> faces{good, small, std::nullopt};
        const auto refused = refuse_bad(level, pairs, photos, faces);
        EXPECT_EQ(photos.size(), photos_left);
        EXPECT_EQ(faces.size(), photos_left);
        EXPECT_EQ(pairs.pairs.size(), pairs_left);
        EXPECT_EQ(photos.back(), c) << "a missed photo is no bad one";
        EXPECT_FALSE(faces.back());
        return refused;
    };
    EXPECT_TRUE(run(quality_gate::off, 3, 2).empty());
    EXPECT_EQ(run(quality_gate::strict, 2, 1), (std::map<errc, std::size_t>{{errc::too_small, 1}}));
}

}  // namespace
}  // namespace vultus::lfw
