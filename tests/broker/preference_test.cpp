// Jobs for which kind of device a lease prefers, in a pool where some workers have a GPU and some
// have none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/core_support.hpp"

using namespace vultus;
using namespace vultus::broker;
using namespace vultus::broker::testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

/// Workers "plain" and "GPU" with a window of 32, idle, the line empty.
bench mixed_pool() {
    bench b;
    b.answer_empty(b.join("plain", 32));
    b.answer_empty(b.join("gpu", 32, 4, 1, "GPU, 1000 MiB, compute 9.0"));
    return b;
}

effects submit(bench& b, std::size_t jobs = 1) {
    return b.from_api(protocol::submit{0, std::vector<std::string>(jobs, "x")});
}

std::vector<leased_job> jobs_named(const std::string& name, std::size_t count) {
    std::vector<leased_job> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(job_named(name + std::to_string(i)));
    return all;
}

lease call_for(const std::string& worker_id, const std::vector<lease>& calls) {
    for (const lease& one : calls) {
        if (one.request.worker_id == worker_id) return one;
    }
    ADD_FAILURE() << "nothing was asked for " << worker_id;
    return {};
}

/// Gives that many jobs to a worker; the calls for others meanwhile find nothing.
void fill(bench& b, const std::string& worker_id, std::size_t jobs) {
    std::vector<lease> calls = all_of<lease>(submit(b, jobs));
    for (std::size_t given = 0; !calls.empty();) {
        const lease call = calls.front();
        calls.erase(calls.begin());
        const bool right = call.request.worker_id == worker_id;
        const auto now = right ? std::min<std::size_t>(call.request.most, jobs - given) : 0;
        const auto more = b.answer(call, jobs_named(worker_id + std::to_string(given), now),
                                   right ? jobs - given - now : jobs - given);
        given += now;
        for (const lease& next : all_of<lease>(more)) calls.push_back(next);
    }
    ASSERT_THAT(b.at(worker_id + ".1").jobs, SizeIs(jobs));
}

TEST(preference, none_is_asked_where_all_workers_are_alike) {
    for (const std::string gpu : {"", "Card"}) {
        bench b;
        const auto first = all_of<lease>(b.join("v", 8, 4, 1, gpu));
        b.answer_empty(b.join("w", 8, 4, 1, gpu));
        EXPECT_EQ(first.at(0).request.prefer, std::nullopt);
        b.answer(first.at(0), {});
        const auto calls = all_of<lease>(submit(b));
        ASSERT_THAT(calls, SizeIs(1)) << "and one call is enough";
        EXPECT_EQ(calls[0].request.prefer, std::nullopt);
    }
}

TEST(preference, a_job_of_an_unknown_kind_is_looked_for_by_one_worker_of_each) {
    bench b = mixed_pool();
    const auto calls = all_of<lease>(submit(b));
    ASSERT_THAT(calls, SizeIs(2));
    EXPECT_EQ(call_for("gpu", calls).request.prefer, device_kind::gpu);
    EXPECT_EQ(call_for("plain", calls).request.prefer, device_kind::cpu);
    for (const lease& one : calls) EXPECT_EQ(one.request.spill, 0u) << "the other is idle";
    b.answer(call_for("plain", calls), {}, 1);
    EXPECT_THAT(all_of<lease>(b.tell(tick{})), IsEmpty()) << "the GPU will have it";
    EXPECT_THAT(all_of<lease>(b.answer(call_for("gpu", calls), {job_named("a")}, 0)), IsEmpty());
    EXPECT_THAT(b.at("gpu.1").jobs, SizeIs(1));
}

TEST(preference, a_gpu_takes_hog_when_no_cpu_is_idle) {
    bench b = mixed_pool();
    fill(b, "plain", 1);
    const auto calls = all_of<lease>(submit(b));
    EXPECT_EQ(call_for("gpu", calls).request.prefer, device_kind::gpu);
    EXPECT_EQ(call_for("gpu", calls).request.spill, 8u) << "a quarter of its window";
}

TEST(preference, a_cpu_takes_no_cnn_while_a_gpu_uses_half_of_its_window) {
    bench b = mixed_pool();
    fill(b, "gpu", 16);
    EXPECT_EQ(call_for("plain", all_of<lease>(submit(b))).request.spill, 0u);
}

TEST(preference, a_cpu_takes_few_cnn_jobs_ahead_of_a_busy_gpu) {
    bench b = mixed_pool();
    fill(b, "gpu", 32);
    auto calls = all_of<lease>(submit(b, 100));
    ASSERT_THAT(calls, SizeIs(1)) << "the GPU has no credit";
    EXPECT_EQ(calls[0].request.prefer, device_kind::cpu);
    EXPECT_EQ(calls[0].request.spill, 2u) << "a sixteenth of its window";
    calls = all_of<lease>(b.answer(calls[0], jobs_named("c", 2), 98));
    const lease again = call_for("plain", calls);
    EXPECT_EQ(again.request.spill, 0u) << "for hog, if there is any";
    EXPECT_THAT(all_of<lease>(b.answer(again, {}, 98)), IsEmpty());
    calls = all_of<lease>(b.from_worker("plain.1", protocol::done{"c0", 1, "succeeded", {}}));
    EXPECT_EQ(call_for("plain", calls).request.spill, 1u) << "one ended, one may follow";
}

TEST(preference, when_the_line_moved_the_other_kind_looks_again) {
    bench b = mixed_pool();
    auto calls = all_of<lease>(submit(b, 100));
    EXPECT_THAT(all_of<lease>(b.answer(call_for("plain", calls), {}, 100)), IsEmpty())
        << "it saw cnn alone";
    calls = all_of<lease>(b.answer(call_for("gpu", calls), jobs_named("c", 8), 92));
    EXPECT_EQ(call_for("plain", calls).request.prefer, device_kind::cpu);
    EXPECT_EQ(call_for("gpu", calls).request.prefer, device_kind::gpu);
}

TEST(preference, ends_with_the_last_worker_of_a_kind) {
    bench b = mixed_pool();
    b.from_worker("gpu.1", protocol::drain{"operator"});
    EXPECT_EQ(call_for("plain", all_of<lease>(submit(b))).request.prefer, std::nullopt);
}

}  // namespace
