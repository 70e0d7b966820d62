// Output files: complete or absent, readable by their owner only if they contain faces, devices
// written into and not replaced. And secrets created by concurrent processes.
#include "shared/security/output_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "shared/security/secret.hpp"

namespace vultus {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class output : public testing::Test {
 protected:
    void SetUp() override { fs::create_directories(folder_); }
    void TearDown() override { fs::remove_all(folder_); }
    std::string at(const std::string& name) const { return folder_ + "/" + name; }
    static std::string text_of(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static mode_t mode(const std::string& path) {
        struct stat what {};
        EXPECT_EQ(::lstat(path.c_str(), &what), 0) << path;
        return what.st_mode;
    }
    std::set<std::string> names() const {
        std::set<std::string> found;
        for (const auto& one : fs::directory_iterator(folder_)) {
            found.insert(one.path().filename().string());
        }
        return found;
    }

    const std::string folder_ = testing::TempDir() + "output-" + random_hex(8);
};

TEST_F(output, a_file_is_there_when_it_is_whole_and_never_for_others) {
    const mode_t before = ::umask(0);
    {
        auto file = output_file::open(at("faces"), readers::owner).value();
        file << std::string(200'000, 'x');
        EXPECT_FALSE(fs::exists(at("faces")));
        for (const std::string& name : names()) EXPECT_EQ(mode(at(name)) & 0777, 0600U) << name;
        EXPECT_TRUE(file.commit());
        ASSERT_TRUE(write_output_file(at("table"), "y", readers::all));
    }
    ::umask(before);
    EXPECT_EQ(text_of(at("faces")).size(), 200'000U);
    EXPECT_EQ(mode(at("faces")) & 0777, 0600U);
    EXPECT_EQ(mode(at("table")) & 0777, 0644U);
    EXPECT_EQ(names(), (std::set<std::string>{"faces", "table"}));
}

TEST_F(output, what_is_given_up_leaves_what_was_there) {
    ASSERT_TRUE(write_output_file(at("file"), "old", readers::owner));
    {
        auto file = output_file::open(at("file"), readers::owner).value();
        file << "new";
    }
    EXPECT_EQ(text_of(at("file")), "old");
    EXPECT_EQ(names().size(), 1U);
}

TEST_F(output, a_file_of_the_name_is_replaced_in_one_step) {
    std::ofstream(at("file")) << "old";
    fs::create_hard_link(at("file"), at("other name"));
    ASSERT_TRUE(write_output_file(at("file"), "new", readers::owner));
    EXPECT_EQ(text_of(at("file")), "new");
    EXPECT_EQ(text_of(at("other name")), "old");
    EXPECT_EQ(mode(at("file")) & 0777, 0600U);
}

TEST_F(output, a_link_stays_a_link) {
    fs::create_directories(at("far"));
    std::ofstream(at("far/file")) << "old";
    fs::create_symlink("far/file", at("link"));
    fs::create_symlink("far/none", at("dangling"));
    fs::create_symlink("circle", at("circle"));
    for (const char* name : {"link", "dangling"}) {
        ASSERT_TRUE(write_output_file(at(name), "new", readers::owner)) << name;
        EXPECT_TRUE(S_ISLNK(mode(at(name)))) << name;
        EXPECT_EQ(text_of(at(name)), "new");
        EXPECT_FALSE(write_output_file(at(name), "x", readers::owner, if_there::refuse));
    }
    EXPECT_EQ(text_of(at("far/none")), "new");
    EXPECT_FALSE(write_output_file(at("circle"), "x", readers::owner));
}

TEST_F(output, devices_and_pipes_are_written_into) {
    ASSERT_TRUE(write_output_file("/dev/null", "x", readers::owner));
    EXPECT_TRUE(S_ISCHR(mode("/dev/null")));
    EXPECT_EQ(mode("/dev/null") & 0777, 0666U);
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    std::string heard;
    std::thread reader([&] { heard = text_of(at("pipe")); });
    ASSERT_TRUE(write_output_file(at("pipe"), std::string(100'000, 'z'), readers::owner));
    reader.join();
    EXPECT_EQ(heard.size(), 100'000U);
    EXPECT_TRUE(S_ISFIFO(mode(at("pipe"))));
    fs::create_symlink("/dev/null", at("link"));
    ASSERT_TRUE(write_output_file(at("link"), "x", readers::owner));
    EXPECT_TRUE(S_ISCHR(mode("/dev/null")));
}

TEST_F(output, what_cannot_be_written_is_said_with_the_reason) {
    const auto full = write_output_file("/dev/full", "x", readers::owner);
    ASSERT_FALSE(full);
    EXPECT_THAT(full.error().detail, HasSubstr("No space left"));
    for (const std::string& bad : {folder_, at("none/file"), std::string()}) {
        const auto done = write_output_file(bad, "x", readers::owner);
        ASSERT_FALSE(done) << bad;
        EXPECT_EQ(done.error().code, errc::malformed) << bad;
    }
    EXPECT_TRUE(names().empty());
}

TEST_F(output, what_is_there_can_be_left) {
    ASSERT_TRUE(write_output_file(at("file"), "first", readers::owner, if_there::refuse));
    const auto second = write_output_file(at("file"), "second", readers::owner, if_there::refuse);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::wrong_state);
    EXPECT_EQ(text_of(at("file")), "first");
    EXPECT_EQ(names().size(), 1U);
}

TEST_F(output, another_library_writes_beside_and_the_name_comes_last) {
    std::ofstream(at("film.avi")) << "old";
    const auto place = place_for_output(at("film.avi"), readers::owner, ".avi").value();
    EXPECT_TRUE(place.path.ends_with(".avi"));
    EXPECT_EQ(mode(place.path) & 0777, 0600U);
    std::ofstream(place.path) << "new";
    EXPECT_EQ(text_of(at("film.avi")), "old");
    ASSERT_TRUE(commit_place(place));
    EXPECT_EQ(text_of(at("film.avi")), "new");
    EXPECT_EQ(names().size(), 1U);
    EXPECT_EQ(place_for_output("/dev/null", readers::owner, ".avi").value().path, "/dev/null");
}

TEST_F(output, several_that_make_a_secret_at_once_agree_on_one) {
    for (int round = 0; round < 40; ++round) {
        const std::string path = at("secret-" + std::to_string(round));
        std::vector<result<std::string>> found(8);
        std::vector<std::thread> makers;
        for (auto& one : found) {
            makers.emplace_back([&one, &path] { one = read_or_make_secret_file(path); });
        }
        for (auto& one : makers) one.join();
        for (const auto& one : found) {
            ASSERT_TRUE(one) << one.error().detail;
            EXPECT_EQ(*one, *found.front());
        }
        EXPECT_EQ(mode(path) & 0777, 0600U);
    }
    EXPECT_EQ(names().size(), 40U);
}

TEST_F(output, a_secret_that_may_not_be_looked_at_is_not_one_that_is_missing) {
    fs::create_symlink("circle", at("circle"));
    EXPECT_EQ(read_secret_file(at("circle")).error().code, errc::malformed);
    EXPECT_EQ(read_or_make_secret_file(at("circle")).error().code, errc::malformed);
    EXPECT_EQ(read_secret_file(at("none")).error().code, errc::not_found);
}

}  // namespace
}  // namespace vultus
