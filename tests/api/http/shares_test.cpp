// Fair shares: unlimited until the resource is scarce, then at most an even share for each holder,
// with one share left for new ones.
#include <gtest/gtest.h>

#include "api/http/shares.hpp"
#include "api/services/services.hpp"

namespace vultus::api {
namespace {

TEST(shares, one_alone_gets_three_quarters_and_the_next_one_the_rest) {
    shares places(64);
    std::size_t alone = 0;
    for (; places.admits("a"); ++alone) places.add("a", 1);
    EXPECT_EQ(alone, 48u);
    std::size_t second = 0;
    for (; places.admits("b"); ++second) places.add("b", 1);
    EXPECT_EQ(second, 16u);
    EXPECT_FALSE(places.admits("c")) << "nothing is left";
    places.remove("a", 16);
    EXPECT_FALSE(places.admits("a")) << "32 are more than a third of 64";
    EXPECT_TRUE(places.admits("b"));
    EXPECT_TRUE(places.admits("c"));
}

TEST(shares, at_the_bound) {
    for (std::size_t most = 1; most <= 12; ++most) {
        shares places(most);
        for (std::size_t n = 0; n < most; ++n) {
            const auto who = std::to_string(n);
            EXPECT_TRUE(places.admits(who)) << n << " of " << most;
            places.add(who, 1);
        }
        EXPECT_FALSE(places.admits("one more")) << most;
        EXPECT_EQ(places.taken(), most);
    }
    EXPECT_FALSE(shares(0).admits("a"));
}

TEST(shares, amounts_fit_or_do_not) {
    shares bytes(100);
    EXPECT_TRUE(bytes.admits("a", 100));
    EXPECT_FALSE(bytes.admits("a", 101));
    bytes.add("a", 74);
    EXPECT_TRUE(bytes.admits("a", 26)) << "not scarce yet";
    bytes.add("a", 1);
    EXPECT_FALSE(bytes.admits("a", 1));
    EXPECT_TRUE(bytes.admits("b", 25));
    EXPECT_FALSE(bytes.admits("b", 26));
    EXPECT_FALSE(bytes.admits("b", std::size_t(0) - 1)) << "no sum overflows";
}

TEST(shares, a_place_is_given_back_by_its_last_copy) {
    const auto places = std::make_shared<shares>(1);
    auto first = shares::take(places, "a");
    ASSERT_NE(first, nullptr);
    auto copy = first;
    first.reset();
    EXPECT_EQ(shares::take(places, "b"), nullptr);
    copy.reset();
    EXPECT_NE(shares::take(places, "b"), nullptr);
    EXPECT_EQ(places->held_by("a"), 0u);
}

struct told_to_end : live_channels::member {
    void stop(const error& why, int with) override {
        code = with;
        reason = why.code;
    }
    int code = 0;
    errc reason = errc::internal;
};

TEST(live_places, one_alone_gets_all_and_gives_to_who_has_fewer) {
    live_channels live(4);
    told_to_end sessions[4];
    std::vector<std::shared_ptr<const void>> places;
    for (auto& one : sessions) {
        places.push_back(live.take("a"));
        ASSERT_NE(places.back(), nullptr);
        live.add(one, "a");
    }
    EXPECT_EQ(live.take("a"), nullptr);
    EXPECT_EQ(sessions[3].code, 0);
    told_to_end theirs[2];
    for (int n = 0; n < 2; ++n) {
        places.push_back(live.take("b"));
        ASSERT_NE(places.back(), nullptr) << n;
        live.add(theirs[n], "b");
        auto& newest = sessions[3 - n];
        EXPECT_EQ(newest.code, 1013) << "come back later";
        EXPECT_EQ(newest.reason, errc::quota);
        live.remove(newest);
        places.erase(places.begin());
    }
    EXPECT_EQ(live.take("b"), nullptr) << "two and two are even";
    EXPECT_NE(live.take("c"), nullptr);
    EXPECT_EQ(live.taken(), 4u) << "and that one is free again";
    live.stop();
    EXPECT_EQ(sessions[0].code, 1012);
    EXPECT_EQ(live_channels(0).take("a"), nullptr);
}

}  // namespace
}  // namespace vultus::api
