// The fixture of the store's role tests: a Redis server of its own with the library, every role,
// and short ways to submit, lease and train.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/store/broker_store.hpp"
#include "shared/store/event_reader.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/operator_store.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/store_setup.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/support/redis_server_support.hpp"

namespace vultus::testing {

inline constexpr std::size_t many = 1'000;
inline constexpr std::size_t bytes = 64 * limits::mib;

class store_call : public ::testing::Test {
 protected:
    void SetUp() override {
        const auto outcome = prepare_store(redis, store);
        ASSERT_TRUE(outcome) << outcome.error().detail;
    }

    template <class T>
    T must(redis_call<T> call) {
        auto got = redis.call(std::move(call));
        EXPECT_TRUE(got) << name_of(got.error().code) << ": " << got.error().detail;
        if constexpr (!std::is_void_v<T>) return got ? std::move(*got) : T{};
    }
    template <class T>
    std::string code(redis_call<T> call) {
        const auto got = redis.call(std::move(call));
        return got ? "ok" : std::string(name_of(got.error().code));
    }

    new_job some_job(job_type type = job_type::recognize) {
        new_job job;
        job.id = new_job_id(unix_now(), store.shard());
        job.type = type;
        job.collection = "staff";
        job.options = "{\"k\":3}";
        if (type == job_type::train) job.label = "Ada";
        job.traceparent = "00-aa-bb-01";
        job.images = {std::string("\xFF\xD8\0photo", 8)};
        return job;
    }
    std::string submit(job_type type = job_type::recognize) {
        return must(submissions.accept(some_job(type), many, bytes)).job_id;
    }
    registration some_worker(const std::string& id = "host-1-cpu-0a") {
        registration one;
        one.worker_id = id;
        one.connection = id + ".1";
        one.host = "host";
        one.device = "cpu";
        one.build = "test";
        one.pid = 1;
        one.types = {"recognize", "train"};
        return one;
    }
    std::vector<leased_job> lease(std::uint32_t most = 8) {
        lease_request wanted;
        wanted.worker_id = worker;
        wanted.connection = worker + ".1";
        wanted.most = most;
        return must(leases.lease(wanted)).jobs;
    }
    attempt_id leased() {
        const auto jobs = lease(1);
        EXPECT_THAT(jobs, ::testing::SizeIs(1));
        return jobs.empty() ? attempt_id{} : attempt_id{jobs[0].job_id, jobs[0].attempt};
    }
    /// Trains one face of Ada and gives the collection's version.
    gallery_version train() {
        submit(job_type::train);
        const attempt_id one = leased();
        new_face face{one.job_id + "-0", "{\"box\":[1,2,3,4]}", std::string(512, 'v')};
        return must(attempts.complete_train(one, worker, "{\"files\":[]}", "dlib", {face})).version;
    }

    redis_server server;
    redis_blocking redis{server.address()};
    store_context store;
    submission_store submissions{store};
    job_reader reader{store};
    event_reader event_stream{store};
    gallery_reader galleries{store};
    broker_store leases{store};
    worker_store attempts{store};
    operator_store operations{store};
    store_schema schema{store};
    const std::string worker = "host-1-cpu-0a";
};

}  // namespace vultus::testing
