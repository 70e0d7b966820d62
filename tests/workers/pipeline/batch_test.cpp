// Which chips go now, as transcripts.
#include "workers/pipeline/batch.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace vultus {
namespace {

/// A chip that tells whose it is by its first byte.
chip marked(std::uint8_t mark) {
    return chip{{mark}};
}

std::vector<chip> chips(std::uint8_t first, std::size_t count) {
    std::vector<chip> faces;
    for (std::size_t i = 0; i < count; ++i)
        faces.push_back(marked(static_cast<std::uint8_t>(first + i)));
    return faces;
}

std::vector<embedding> embedded(const batch::load& load) {
    std::vector<embedding> vectors;
    for (const chip& one : load.chips) {
        vectors.push_back(embedding(128));
        vectors.back()[0] = one.rgb[0];
    }
    return vectors;
}

std::vector<float> marks(const batch::finished& done) {
    std::vector<float> all;
    for (const embedding& vector : done.embeddings) all.push_back(vector[0]);
    return all;
}

TEST(batch, a_pass_is_for_one_embedder_and_who_waits_keeps_the_place) {
    batch waiting;
    waiting.add(1, chips(10, 2), false, "a");
    waiting.add(2, chips(20, 3), false, "b");
    waiting.add(3, chips(30, 2), false, "a");
    waiting.add(4, chips(40, 1), false, "b");
    std::vector<std::string> asked;
    const auto most = [&](const std::string& embedder) {
        asked.push_back(embedder);
        return std::size_t{3};
    };
    const auto expect = [&](const std::string& embedder, std::vector<float> wanted) {
        const auto load = waiting.take(most);
        EXPECT_EQ(load.embedder, embedder);
        EXPECT_EQ(asked.back(), embedder);
        std::vector<float> found;
        for (const chip& one : load.chips) found.push_back(one.rgb[0]);
        EXPECT_EQ(found, wanted);
        waiting.give(load, embedded(load));
    };
    expect("a", {10, 11, 30});
    expect("b", {20, 21, 22});
    expect("a", {31});
    expect("b", {40});
    EXPECT_EQ(waiting.waiting(), 0u);
    EXPECT_EQ(waiting.jobs(), 0u);
}

TEST(batch, live_frames_of_one_embedder_leave_those_of_another) {
    batch waiting;
    waiting.add(1, chips(10, 1), true, "a");
    waiting.add(2, chips(20, 1), true, "b");
    waiting.add(3, chips(30, 1), false, "a");
    const auto first = waiting.take(8);
    EXPECT_EQ(first.embedder, "a");
    ASSERT_EQ(first.chips.size(), 1u) << "jobs do not join a pass of frames";
    waiting.drop(2);
    const auto next = waiting.take(8);
    ASSERT_EQ(next.chips.size(), 1u);
    EXPECT_EQ(next.chips[0].rgb[0], 30);
}

TEST(batch, jobs_share_a_pass_in_their_order) {
    batch waiting;
    waiting.add(1, chips(10, 2));
    waiting.add(2, chips(20, 3));
    const auto load = waiting.take(4);
    ASSERT_EQ(load.slots.size(), 4u);
    EXPECT_EQ(waiting.waiting(), 1u);
    const auto done = waiting.give(load, embedded(load));
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].job, 1u);
    EXPECT_EQ(marks(done[0]), (std::vector<float>{10, 11}));
    const auto rest = waiting.take(4);
    const auto last = waiting.give(rest, embedded(rest));
    ASSERT_EQ(last.size(), 1u);
    EXPECT_EQ(last[0].job, 2u);
    EXPECT_EQ(marks(last[0]), (std::vector<float>{20, 21, 22}));
    EXPECT_EQ(waiting.jobs(), 0u);
    EXPECT_TRUE(waiting.take(4).slots.empty());
}

TEST(batch, a_dropped_job_leaves_the_others_alone) {
    batch waiting;
    waiting.add(1, chips(10, 3));
    waiting.add(2, chips(20, 1));
    const auto load = waiting.take(2);
    waiting.drop(1);
    EXPECT_EQ(waiting.waiting(), 1u);
    EXPECT_TRUE(waiting.give(load, embedded(load)).empty());
    const auto rest = waiting.take(9);
    ASSERT_EQ(rest.slots.size(), 1u);
    EXPECT_EQ(waiting.give(rest, embedded(rest)).at(0).job, 2u);
    waiting.drop(77);
}

TEST(batch, every_face_comes_back_once_to_its_job) {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        std::mt19937 random(seed);
        batch waiting;
        std::vector<batch::load> running;
        std::map<batch::ticket, std::vector<float>> expected;
        std::size_t complete = 0;
        const auto finish = [&](std::size_t which) {
            for (const auto& done : waiting.give(running[which], embedded(running[which]))) {
                EXPECT_EQ(marks(done), expected.at(done.job));
                ++complete;
            }
            running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
        };
        for (batch::ticket job = 1; job <= 60; ++job) {
            auto faces = chips(static_cast<std::uint8_t>(random() % 200), 1 + random() % 12);
            for (const chip& one : faces) expected[job].push_back(one.rgb[0]);
            waiting.add(job, std::move(faces));
            if (random() % 2 == 0) running.push_back(waiting.take(1 + random() % 9));
            if (!running.empty() && random() % 3 == 0) finish(random() % running.size());
        }
        while (waiting.waiting() > 0) running.push_back(waiting.take(8));
        while (!running.empty()) finish(random() % running.size());
        EXPECT_EQ(complete, 60u);
        EXPECT_EQ(waiting.jobs(), 0u);
    }
}

TEST(batch, live_frames_have_passes_of_their_own_and_jobs_their_turn) {
    batch waiting(2);
    waiting.add(1, chips(10, 3));
    for (batch::ticket live = 2; live <= 5; ++live) {
        waiting.add(live, chips(static_cast<std::uint8_t>(10 * live), 1), true);
    }
    const auto pass = [&](std::size_t most) {
        std::vector<int> taken;
        for (const chip& one : waiting.take(most).chips) taken.push_back(one.rgb[0]);
        return taken;
    };
    EXPECT_EQ(pass(1), (std::vector{20}));
    EXPECT_EQ(pass(1), (std::vector{30}));
    EXPECT_EQ(pass(1), (std::vector{10})) << "two live passes, then a job's";
    EXPECT_EQ(waiting.waiting(), 4u);
    EXPECT_EQ(pass(8), (std::vector{40, 50})) << "live frames alone";
    EXPECT_EQ(pass(8), (std::vector{11, 12}));
    waiting.add(6, chips(60, 1), true);
    waiting.drop(6);
    EXPECT_EQ(waiting.waiting(), 0u);
    EXPECT_TRUE(pass(8).empty());
}

}  // namespace
}  // namespace vultus
