// Which files of a folder `vultusctl import` accepts, its verdict on the others, and the progress
// bar.
#include "clients/ctl/sources/photo_folders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/transfer/import_report.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::ElementsAre;

namespace {

class folders : public testing::Test {
 protected:
    void make(const std::string& path) const {
        const std::filesystem::path file = root_ + "/" + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << "x";
    }
    void make_folder(const std::string& path) const {
        std::filesystem::create_directories(root_ + "/" + path);
    }

    /// What was found, as "label: path".
    std::vector<std::string> found(const std::string& below = "") const {
        const auto all = photos_below(root_ + below);
        std::vector<std::string> lines;
        if (!all) return {all.error().detail};
        for (const found_photo& one : all->photos) lines.push_back(one.label + ": " + one.path);
        for (const skipped_path& one : all->skipped) lines.push_back(one.path + ": " + one.why);
        return lines;
    }

    temporary_folder folder_;
    std::string root_ = folder_.path() + "/people";
};

}  // namespace

TEST_F(folders, one_a_person_and_what_is_left_out) {
    make("Bob/2.jpg");
    make("Bob/1.png");
    make("Ada Lovelace/1.jpg");
    make("Ada Lovelace/.1.jpg.swp");
    make("Ada Lovelace/old/0.jpg");
    make("loose.jpg");
    make(".DS_Store");
    make_folder("Carl");
    EXPECT_THAT(found(),
                ElementsAre("Ada Lovelace: Ada Lovelace/1.jpg", "Bob: Bob/1.png", "Bob: Bob/2.jpg",
                            ".DS_Store: hidden", "Ada Lovelace/.1.jpg.swp: hidden",
                            "Ada Lovelace/old: nested folder", "Carl: contains no photo",
                            "loose.jpg: not in the folder of a person"));
    EXPECT_THAT(found("/"),
                ElementsAre(testing::HasSubstr("Ada"), "Bob: Bob/1.png", "Bob: Bob/2.jpg",
                            testing::_, testing::_, testing::_, testing::_, testing::_));
}

TEST_F(folders, of_double_take_lie_below_train) {
    make("config/config.yml");
    make("matches/1.jpg");
    make("train/Ada/1.jpg");
    EXPECT_THAT(found(), ElementsAre("Ada: Ada/1.jpg"));
    EXPECT_THAT(found("/train"), ElementsAre("Ada: Ada/1.jpg"));
}

TEST_F(folders, of_frigate_lie_below_faces_where_train_is_nobody) {
    make("front-1.jpg");
    make("faces/Ada/1.webp");
    make("faces/train/1700000000.5-x.webp");
    for (const char* below : {"", "/faces"}) {
        EXPECT_THAT(found(below), ElementsAre("Ada: Ada/1.webp", "train: faces without a name"));
    }
}

TEST_F(folders, a_person_may_be_called_train) {
    make("train/1.jpg");
    make("Ada/1.jpg");
    EXPECT_THAT(found(), ElementsAre("Ada: Ada/1.jpg", "train: train/1.jpg"));
}

TEST_F(folders, that_is_not_there) {
    EXPECT_FALSE(photos_below(root_));
}

TEST(import_report, says_which_half_is_there) {
    const std::vector<file_verdict> files{
        {file_state::skipped, ".x", "", "hidden", "", ""},
        {file_state::imported, "Ada/1.jpg", "Ada", "", "", "j1"},
        {file_state::refused, "Ada/2.jpg", "Ada", "no_face", "", "j2"},
        {file_state::unfinished, "Bob/1.jpg", "Bob", "not_begun", "not started: interrupted", ""},
        {file_state::duplicate, "Carl/1.jpg", "Carl", "same_bytes", "as Ada/1.jpg", ""}};
    EXPECT_EQ(line_of(files[2]), "refused     Ada/2.jpg  no_face");
    EXPECT_EQ(line_of(files[3]), "unfinished  Bob/1.jpg  not_begun: not started: interrupted");
    const report said = import_report({"people", "team"}, files);
    EXPECT_TRUE(said.bad);
    EXPECT_EQ(print(said, false),
              "people into team: 1 imported, 1 duplicate, 1 refused, 1 unfinished, 1 skipped\n\n"
              "no photo imported for: Bob, Carl\n");
    EXPECT_THAT(said.json,
                testing::HasSubstr(R"({"file":"Ada/2.jpg","state":"refused","label":"Ada",)"
                                   R"("reason":"no_face","job_id":"j2"})"));
    EXPECT_FALSE(import_report({"p", "team"}, {files[1]}).bad);
    EXPECT_FALSE(import_report({"p", "team"}, {files[1], files[0]}).bad);
    EXPECT_TRUE(import_report({"p", "team"}, {files[0]}).bad) << "no photo at all";
    EXPECT_TRUE(import_report({"p", "team"}, {}).bad);
}

TEST(import_report, gives_the_reason_of_the_one_photo) {
    EXPECT_EQ(reason_of(R"({"code":"no_usable_photo","detail":"No usable photo: 0 no_face"})"),
              (error{errc::no_face, ""}))
        << "as older workers write it";
    EXPECT_EQ(reason_of(R"({"code":"no_usable_photo",)"
                        R"("detail":"No usable photo: photo 1: several_faces"})"),
              (error{errc::several_faces, ""}));
    EXPECT_EQ(reason_of(R"({"code":"no_usable_photo","detail":"No usable photo: photo 1: blurred",)"
                        R"("files":[{"index":0,"detail":"Sharpness 0.02"}]})"),
              (error{errc::blurred, "Sharpness 0.02"}));
    EXPECT_EQ(reason_of(R"({"code":"label_full","detail":"Ada"})"),
              (error{errc::label_full, "Ada"}));
    EXPECT_EQ(reason_of("half a te"), (error{errc::internal, ""}));
}

TEST(progress_bar, is_empty_then_full) {
    EXPECT_EQ(progress_bar(0, 4, "photos"), "[..............................] 0 of 4 photos");
    EXPECT_EQ(progress_bar(1, 2, "faces"), "[###############...............] 1 of 2 faces");
    EXPECT_EQ(progress_bar(9, 4, "faces"), "[##############################] 9 of 4 faces");
    EXPECT_EQ(progress_bar(0, 0, "faces"), "[##############################] 0 of 0 faces");
}
