// Secret files are refused if others could read, change or replace them; each error has the path
// and the command that fixes it.
#include "shared/security/private_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "shared/net/allow_list.hpp"
#include "shared/security/secret.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class private_file : public testing::Test {
 protected:
    private_file() {
        std::ofstream(path_) << "word\n";
        ::chmod(path_.c_str(), 0600);
    }

    std::string refusal() const {
        const auto read = read_private_file(path_, 100);
        return read ? "accepted" : read.error().detail;
    }

    temporary_folder own_;
    const std::filesystem::path folder_ = own_.path();
    const std::string path_ = own_.path() + "/secret";
};

TEST_F(private_file, of_its_user_alone_is_read) {
    EXPECT_EQ(read_private_file(path_, 100).value(), "word\n");
    ::chmod(path_.c_str(), 0400);
    EXPECT_TRUE(check_private_file(path_));
    EXPECT_TRUE(read_private_file(path_, 5));
    EXPECT_FALSE(read_private_file(path_, 4));
    EXPECT_EQ(read_private_file(path_ + "s", 100).error().code, errc::not_found);
    EXPECT_EQ(read_private_file(path_ + "/below", 100).error().code, errc::not_found);
}

TEST_F(private_file, that_others_read_or_change_is_refused) {
    for (const mode_t mode : {0640U, 0604U, 0444U, 0644U}) {
        ::chmod(path_.c_str(), mode);
        EXPECT_EQ(refusal(), path_ + " is readable by others: chmod 600 it") << mode;
    }
    for (const mode_t mode : {0620U, 0602U, 0666U, 0777U}) {
        ::chmod(path_.c_str(), mode);
        EXPECT_EQ(refusal(), path_ + " is writable by others: chmod 600 it") << mode;
    }
}

TEST_F(private_file, in_a_folder_that_others_change_is_refused) {
    for (const mode_t mode : {0777U, 0770U, 0702U}) {
        ::chmod(folder_.c_str(), mode);
        EXPECT_THAT(refusal(), StartsWith(folder_.string() + " is writable by others")) << mode;
    }
    for (const mode_t mode : {01777U, 0755U}) {  // the first is /tmp: nobody renames others' files
        ::chmod(folder_.c_str(), mode);
        EXPECT_EQ(refusal(), "accepted") << mode;
    }
}

TEST_F(private_file, behind_a_link_is_judged_where_it_lies) {
    const auto other = folder_ / "open";
    std::filesystem::create_directory(other);
    std::ofstream(other / "secret") << "word\n";
    ::chmod((other / "secret").c_str(), 0600);
    std::filesystem::remove(path_);
    std::filesystem::create_symlink(other / "secret", path_);
    EXPECT_EQ(refusal(), "accepted");
    ::chmod(other.c_str(), 0777);
    EXPECT_THAT(refusal(), StartsWith(other.string() + " is writable by others"));
}

TEST_F(private_file, that_is_no_file_is_refused_and_does_not_block) {
    std::filesystem::remove(path_);
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(refusal(), path_ + " is not a regular file");
    EXPECT_THAT(read_private_file(folder_.string(), 100).error().detail,
                HasSubstr("is not a regular file"));
    EXPECT_FALSE(read_private_file("/dev/null", 100));
}

TEST_F(private_file, of_another_user_is_refused) {
    constexpr uid_t nobody = 65'534;
    if (::geteuid() != 0) return;  // only root can give a file away; tests/e2e tries it too
    ASSERT_EQ(::chown(path_.c_str(), nobody, nobody), 0);
    EXPECT_THAT(refusal(), StartsWith(path_ + " belongs to another user (uid 65534)"));
    ASSERT_EQ(::chown(path_.c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(folder_.c_str(), nobody, nobody), 0);
    EXPECT_THAT(refusal(), StartsWith(folder_.string() + " belongs to another user"));
    ASSERT_EQ(::chown(folder_.c_str(), 0, 0), 0);
}

TEST_F(private_file, every_kind_of_secret_is_checked) {
    std::ofstream(path_) << std::string(64, 'a') << "\n";
    EXPECT_TRUE(read_secret_file(path_));
    ::chmod(folder_.c_str(), 0777);
    EXPECT_THAT(read_secret_file(path_).error().detail, HasSubstr("is writable by others"));
    std::ofstream(path_) << "";
    EXPECT_THAT(read_allow_list(path_).error().detail, HasSubstr("is writable by others"));
    ::chmod(folder_.c_str(), 0755);
    ::chmod(path_.c_str(), 0644);
    EXPECT_TRUE(read_allow_list(path_)) << "its keys are public";
    ::chmod(path_.c_str(), 0664);
    EXPECT_THAT(read_allow_list(path_).error().detail, HasSubstr("chmod 644"));
}

}  // namespace
}  // namespace vultus
