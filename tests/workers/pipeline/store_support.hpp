// A store for the worker's tests: a redis-server of their own with the library in it, and what an
// api and a broker would do to it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "shared/base/ids.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "tests/support/redis_server_support.hpp"
#include "workers/pipeline/mailbox.hpp"
#include "workers/pipeline/work_sink.hpp"

namespace vultus::testing {

/// Looks until it is true. False after 90 s: long enough for ThreadSanitizer, and never on the good
/// way.
bool comes_true(const std::function<bool()>& condition);

class test_store {
 public:
    test_store();

    template <class T>
    T must(redis_call<T> call) {
        auto got = redis.call(std::move(call));
        EXPECT_TRUE(got) << name_of(got.error().code) << ": " << got.error().detail;
        if constexpr (!std::is_void_v<T>) return got ? std::move(*got) : T{};
    }

    /// Accepts a job. returns its id
    std::string submit(job_type type, std::vector<std::string> photos, std::string label = "",
                       std::string options = "{}", std::string collection = "people");
    void register_worker(const std::string& worker_id);
    /// What the broker would do: leases up to `most` for a registered worker.
    std::vector<leased_job> lease(const std::string& worker_id, std::uint32_t most = 8,
                                  std::uint32_t connection = 1, std::uint32_t outstanding = 0);
    /// Leases one job and says that it started.
    job_ticket ticket(const std::string& worker_id);
    job_record job(const std::string& id) { return must(job_reader(store).job(id)); }
    /// A change of the collection `people`; returns the version after it.
    gallery_version change(job_type type, const std::string& label = "");
    /// Trains faces with the given vectors (all floats the same), without any worker's work.
    gallery_version train(const std::string& worker_id, const std::string& label,
                          const std::vector<float>& values,
                          const std::string& collection = "people");
    gallery_version version(const std::string& collection = "people");

    redis_server server;
    store_context store;
    redis_blocking redis;
};

/// Reads a session's mail until a letter of this kind comes, at most 90 s. Others are dropped.
template <class Letter>
std::optional<Letter> next_letter(mailbox<session_mail>& mail) {
    std::optional<Letter> found;
    comes_true([&] {
        while (!found) {
            auto letter = mail.take();
            if (!letter) return false;
            if (auto* wanted = std::get_if<Letter>(&*letter)) found = std::move(*wanted);
        }
        return true;
    });
    return found;
}

}  // namespace vultus::testing
