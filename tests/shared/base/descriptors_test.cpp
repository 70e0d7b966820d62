// The limit of open files is raised to the hard limit, and open files are counted.
#include "shared/base/descriptors.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace vultus {
namespace {

TEST(descriptors, the_soft_limit_is_raised_to_the_hard_one) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = 100;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(descriptor_limit(), 100u);
    EXPECT_GT(raise_descriptor_limit(), 100u);
    rlimit after{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
    EXPECT_EQ(after.rlim_cur, before.rlim_max);
    EXPECT_EQ(after.rlim_max, before.rlim_max);
    EXPECT_EQ(raise_descriptor_limit(), descriptor_limit()) << "nothing is left to do";
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(descriptors, those_that_are_open_are_counted) {
    const auto before = descriptors_open();
    EXPECT_GE(before, 3u);
    const int one = ::dup(0), two = ::dup(0);
    EXPECT_EQ(descriptors_open(), before + 2);
    ::close(one);
    ::close(two);
    EXPECT_EQ(descriptors_open(), before);
}

}  // namespace
}  // namespace vultus
