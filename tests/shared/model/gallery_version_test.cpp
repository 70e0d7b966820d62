// How versions of one collection compare.
#include "shared/model/gallery_version.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

constexpr gallery_version none = 0, first = 1'000'000'000, second = 2'000'000'000;

TEST(gallery_version, only_the_same_gallery_that_is_not_older_will_do) {
    EXPECT_TRUE(satisfies(first + 3, first + 3));
    EXPECT_TRUE(satisfies(first + 4, first + 3));
    EXPECT_TRUE(satisfies(none, none));
    EXPECT_FALSE(satisfies(first + 2, first + 3)) << "older";
    EXPECT_FALSE(satisfies(second, first + 3)) << "another one, though larger";
    EXPECT_FALSE(satisfies(first, second)) << "another one";
    EXPECT_FALSE(satisfies(first, none)) << "it was deleted, or is from before it was made";
    EXPECT_FALSE(satisfies(none, first));
}

TEST(gallery_version, an_answer_is_told_only_of_the_gallery_that_is_there) {
    EXPECT_TRUE(may_be_sent(first + 3, first + 5, first + 3));
    EXPECT_TRUE(may_be_sent(first + 5, first + 5, first));
    EXPECT_TRUE(may_be_sent(none, none, none));
    EXPECT_FALSE(may_be_sent(first + 2, first + 5, first + 3)) << "before a removal";
    EXPECT_FALSE(may_be_sent(first + 6, first + 5, first + 3)) << "Redis lost what came since";
    EXPECT_FALSE(may_be_sent(first + 3, none, none)) << "deleted";
    EXPECT_FALSE(may_be_sent(first + 3, second, second)) << "cleared, or made again";
    EXPECT_FALSE(may_be_sent(none, first + 1, first)) << "made since";
}

TEST(gallery_version, the_largest_one_is_exact) {
    constexpr gallery_version last = 9'000'000 * epoch_factor + (epoch_factor - 1);
    static_assert(last < (gallery_version{1} << 53));
    EXPECT_EQ(epoch_of(last), 9'000'000u);
    EXPECT_FALSE(is_other(last, last));
    EXPECT_TRUE(is_other(last, 0));
    EXPECT_TRUE(is_other(0, last));
}

}  // namespace
}  // namespace vultus
