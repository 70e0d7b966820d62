// The places where a test stops a process: only the named one, and only in test builds.
#include "shared/base/failpoint.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace vultus {
namespace {

#ifdef VULTUS_FAILPOINTS
/// The folder is read from the environment once, by the first failpoint of the process, which may
/// be in another test: so it is set before any runs. The process of a death test, which begins
/// anew, keeps that of its parent.
const std::string folder = [] {
    constexpr const char* variable = "VULTUS_FAILPOINT_DIR";
    if (const char* given = std::getenv(variable); given != nullptr) return std::string(given);
    const std::string made = ::testing::TempDir() + "failpoints-" + std::to_string(::getpid());
    setenv(variable, made.c_str(), 1);
    return made;
}();

TEST(failpoint, ends_the_process_at_the_named_place_only) {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_EXIT(
        {
            setenv("VULTUS_FAILPOINT", "worker.after_match:exit", 1);
            failpoint("worker.before_commit");
            failpoint("worker.after_match_of_another");
            failpoint("worker.after_match");
            std::_Exit(0);
        },
        ::testing::ExitedWithCode(1), "");
    EXPECT_EXIT(
        {
            setenv("VULTUS_FAILPOINT", "worker.mid_job:kill", 1);
            failpoint("worker.mid_job");
        },
        ::testing::KilledBySignal(SIGKILL), "");
}

class laid : public ::testing::Test {
 protected:
    void lay(const std::string& name, const std::string& action) {
        std::ofstream(folder + "/" + name) << action << "\n";
    }
    bool is_laid(const std::string& name) { return std::filesystem::exists(folder + "/" + name); }

    void SetUp() override {
        ::testing::FLAGS_gtest_death_test_style = "threadsafe";
        std::filesystem::create_directory(folder);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
};

TEST_F(laid, whoever_reaches_the_place_first_takes_it) {
    lay("worker.mid_job", "delay:1");
    failpoint("worker.before_commit");
    EXPECT_TRUE(is_laid("worker.mid_job"));
    failpoint("worker.mid_job");
    EXPECT_FALSE(is_laid("worker.mid_job"));
    EXPECT_EXIT(
        {
            lay("worker.mid_job", "exit");
            failpoint("worker.mid_job");
        },
        ::testing::ExitedWithCode(1), "");
}

TEST_F(laid, a_delay_holds_one_thread_and_a_stop_ends_by_itself) {
    for (const char* action : {"delay:30", "stop:30"}) {
        lay("api.before_reply", action);
        const auto begin = std::chrono::steady_clock::now();
        failpoint("api.before_reply");
        const auto took = std::chrono::steady_clock::now() - begin;
        EXPECT_GE(took, std::chrono::milliseconds(25)) << action;
    }
}

TEST_F(laid, drop_ends_every_connection) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    lay("broker.in_reap", "drop");
    failpoint("broker.in_reap");
    char byte;
    EXPECT_EQ(::read(ends[1], &byte, 1), 0) << "the other end hears of it";
    ::close(ends[0]);
    ::close(ends[1]);
}
#else
TEST(failpoint, does_nothing_in_a_build_without_them) {
    setenv("VULTUS_FAILPOINT", "worker.mid_job:kill", 1);
    failpoint("worker.mid_job");
    EXPECT_STREQ(std::getenv("VULTUS_FAILPOINT"), "worker.mid_job:kill");
}
#endif

}  // namespace
}  // namespace vultus
