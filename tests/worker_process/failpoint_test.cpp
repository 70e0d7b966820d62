// The places where a test stops a process: only the named one, and only in test builds.
#include "shared/failpoint.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace vultus {
namespace {

#ifdef VULTUS_FAILPOINTS
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
#else
TEST(failpoint, does_nothing_in_a_build_without_them) {
    setenv("VULTUS_FAILPOINT", "worker.mid_job:kill", 1);
    failpoint("worker.mid_job");
    EXPECT_STREQ(std::getenv("VULTUS_FAILPOINT"), "worker.mid_job:kill");
}
#endif

}  // namespace
}  // namespace vultus
