// What the tests of the broker's core share: a core with a clock in hand, and the messages that a
// worker or an api would send it.
#pragma once

#include <string>
#include <vector>

#include "broker/core.hpp"

namespace vultus::broker::testing {

using std::chrono::milliseconds;

/// The effects of one kind, in order.
template <class Kind>
std::vector<Kind> all_of(const effects& from) {
    std::vector<Kind> found;
    for (const effect& one : from) {
        if (const auto* kind = std::get_if<Kind>(&one)) found.push_back(*kind);
    }
    return found;
}

/// The messages of one kind to that connection, in order.
template <class Message, class Effect = to_worker>
std::vector<Message> sent_to(const std::string& connection, const effects& from) {
    std::vector<Message> found;
    for (const Effect& one : all_of<Effect>(from)) {
        const auto* message = std::get_if<Message>(&one.what);
        if (message != nullptr && one.connection == connection) found.push_back(*message);
    }
    return found;
}

leased_job job_named(const std::string& id, std::uint64_t attempt = 1, bool solo = false);

/// A core, the time, and shorthands. Starts at 100 s with Redis ready unless told otherwise.
struct bench {
    explicit bench(bool ready = true, core_options options = {});

    effects tell(event what) { return it.handle(std::move(what), now); }
    effects pass(milliseconds time);  ///< in steps of 250 ms, as the server would
    effects from_worker(const std::string& connection, protocol::message what);
    effects from_api(protocol::message what, const std::string& connection = "api.1");
    effects join(const std::string& worker_id, std::uint32_t window = 8,
                 std::uint32_t frame_window = 4, int connection = 1, const std::string& gpu = {});
    effects keep_alive();  ///< a heartbeat of each worker with what it has
    effects answer(const lease& call, std::vector<leased_job> jobs, std::uint64_t left = 0);
    /// Answers every lease in `from`, and those that follow, with nothing.
    effects answer_empty(const effects& from);
    const worker& at(const std::string& connection) const;

    core it;
    boot_time now{100'000};
};

protocol::frame frame_named(const std::string& id, std::size_t bytes = 10,
                            const std::string& live_id = {});

}  // namespace vultus::broker::testing
