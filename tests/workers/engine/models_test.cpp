// The model files: intact ones pass, and the error of a bad one names the reason.
#include "workers/engine/models.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.hpp"
#include "tests/workers/image/photo_support.hpp"

namespace vultus {
namespace {

using namespace testing;
namespace fs = std::filesystem;

struct models : ::testing::Test {
    temporary_folder own;
    const fs::path folder = own.path();
    void write(std::string_view name, std::string_view bytes) {
        std::ofstream(folder / name, std::ios::binary) << bytes;
    }
};

const model_file small{
    "small.dat", 5, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"};  // hello

TEST_F(models, the_fetched_ones_are_right) {
    const auto found = find_models(models_folder());
    ASSERT_TRUE(found) << found.error().detail << " (run config/fetch.py)";
    EXPECT_TRUE(fs::exists(found->detector));
    EXPECT_TRUE(fs::exists(found->landmarks));
    EXPECT_TRUE(fs::exists(found->embedder));
}

TEST_F(models, each_way_of_being_wrong) {
    const std::string path = folder / "small.dat";
    EXPECT_EQ(check_model(path, small).error().code, errc::not_found);
    EXPECT_EQ(check_model(folder, small).error().code, errc::not_found);  // a folder
    write("small.dat", "");
    EXPECT_EQ(check_model(path, small).error().code, errc::not_found);
    write("small.dat", "hell");
    EXPECT_EQ(check_model(path, small).error().code, errc::malformed);
    EXPECT_NE(check_model(path, small).error().detail.find("truncated: 4 of 5"), std::string::npos);
    write("small.dat", "hello!");
    EXPECT_NE(check_model(path, small).error().detail.find("too long"), std::string::npos);
    write("small.dat", "hallo");
    EXPECT_NE(check_model(path, small).error().detail.find("SHA-256"), std::string::npos);
    write("small.dat", "hello");
    EXPECT_TRUE(check_model(path, small));
}

TEST_F(models, the_first_wrong_one_is_named) {
    const auto none = find_models(folder);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().detail.find("mmod_human_face_detector.dat is missing"), 0u);
}

std::string entry_of(const model_file& file) {
    return "[[file]]\nname = \"" + std::string(file.name) +
           "\"\nbytes = " + std::to_string(file.bytes) + "\nsha256 = \"" +
           std::string(file.sha256) + "\"\n";
}

TEST_F(models, same_as_the_manifests) {
    const std::string manifests = VULTUS_SOURCE_DIR "/config/models/";
    const std::array<const char*, 3> names{"cnn", "landmarks", "dlib_resnet"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string text = file_at(manifests + names[i] + ".toml");
        EXPECT_NE(text.find(entry_of(models_wanted[i])), std::string::npos) << names[i];
        EXPECT_NE(text.find("required = true"), std::string::npos) << names[i];
    }
    for (const detector_file& one : detector_files) {
        const std::string text = file_at(manifests + std::string(one.detector) + ".toml");
        EXPECT_NE(text.find(entry_of(one.file)), std::string::npos) << one.detector;
        EXPECT_EQ(text.find("required"), std::string::npos) << one.detector;
    }
}

TEST_F(models, a_detector_whose_file_is_not_there_or_wrong_is_missing) {
    const auto all = find_models(models_folder());
    ASSERT_TRUE(all) << all.error().detail;
    EXPECT_TRUE(all->detectors.contains("centerface")) << "config/fetch.py brings it";
    for (const model_file& wanted : models_wanted) {
        fs::create_symlink(models_folder() + "/" + std::string(wanted.name), folder / wanted.name);
    }
    const auto few = find_models(folder.string());
    ASSERT_TRUE(few) << few.error().detail;
    EXPECT_TRUE(few->detectors.empty());
    write("yunet_s_640_640.onnx", "something else");
    const auto wrong = find_models(folder.string());
    ASSERT_TRUE(wrong) << "the worker serves without it: " << wrong.error().detail;
    EXPECT_TRUE(wrong->detectors.empty());
    EXPECT_NE(wrong->refused.at("yunet").find("run config/fetch.py yunet"), std::string::npos)
        << wrong->refused.at("yunet");
}

TEST_F(models, both_files_of_omz_0095_or_none) {
    const std::string text = file_at(VULTUS_SOURCE_DIR "/config/models/omz_0095.toml");
    for (const model_file& one : omz_0095_files) {
        EXPECT_NE(text.find(entry_of(one)), std::string::npos) << one.name;
    }
    EXPECT_EQ(text.find("required"), std::string::npos);
    for (const model_file& wanted : models_wanted) {
        fs::create_symlink(models_folder() + "/" + std::string(wanted.name), folder / wanted.name);
    }
    const auto none = find_models(folder.string());
    ASSERT_TRUE(none) << none.error().detail;
    EXPECT_EQ(none->omz_0095[0] + none->omz_0095[1], "");
    EXPECT_FALSE(none->refused.contains("omz_0095")) << "what is not there is not an error";
    write(omz_0095_files[0].name, "<net/>");
    const auto half = find_models(folder.string());
    ASSERT_TRUE(half) << half.error().detail;
    EXPECT_EQ(half->omz_0095[0], "");
    EXPECT_NE(half->refused.at("omz_0095").find("run config/fetch.py omz_0095"), std::string::npos)
        << half->refused.at("omz_0095");
}

}  // namespace
}  // namespace vultus
