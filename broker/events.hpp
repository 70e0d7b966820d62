// The input of the broker's core (events) and its output (effects). server.cpp turns messages,
// timers and replies into events and carries the effects out.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "shared/base/log.hpp"
#include "shared/base/result.hpp"
#include "shared/model/job.hpp"
#include "shared/net/protocol.hpp"
#include "shared/store/broker_store.hpp"

namespace vultus::broker {

enum class side { worker, api };             ///< which of the two sockets
enum class duty { reap, barrier, collect };  ///< the timer calls of Redis

// ---- events -----------------------------------------------------------------------------------

struct tick {};    ///< only the time changed
struct received {  ///< a message, decoded
    side from = side::worker;
    std::string connection;  ///< routing id of the sender
    protocol::message what;
};
struct undecodable {  ///< another version, or an unknown command
    side from = side::worker;
    std::string connection;
};
struct send_failed {  ///< a to_worker could not be sent
    std::string connection;
    bool unreachable = false;  ///< the peer is gone; else its queue is full
    protocol::message what;
};
struct store_link {
    bool up = false;
};  ///< the connection to Redis opened or broke
struct store_prepared {
    result<unix_time> outcome;
};
struct store_checked {
    result<void> outcome;
};
struct leased {  ///< reply to lease
    std::uint64_t ticket = 0;
    result<leased_jobs> outcome;
};
struct duty_done {  ///< reply to run_duty
    duty which = duty::reap;
    result<moved> outcome;
};
struct loss_reported {  ///< reply to report_lost
    std::string worker_id, connection;
    result<moved> outcome;
};
struct gallery_read {  ///< reply to read_gallery
    std::string collection;
    result<gallery_version> version;
};
struct turn_measured {  ///< the longest turn of the loop so far
    std::chrono::microseconds cpu{0}, wall{0};
};
struct peers_refused {
    std::uint64_t count = 0;
};               ///< since the last event of this kind
struct stop {};  ///< SIGTERM: drain

using event = std::variant<tick, received, undecodable, send_failed, store_link, store_prepared,
                           store_checked, leased, duty_done, loss_reported, gallery_read,
                           peers_refused, turn_measured, stop>;

// ---- effects ----------------------------------------------------------------------------------

struct to_worker {
    std::string connection;
    protocol::message what;
};
struct to_api {
    std::string connection;
    protocol::message what;
};
struct prepare_store {};  ///< load the library, check settings, read TIME
struct check_store {};
struct lease {  ///< answered by leased with this ticket, always
    std::uint64_t ticket = 0;
    lease_request request;
};
struct hand_back {  ///< a leased job that could not be delivered
    attempt_id attempt;
    std::string worker_id;
};
struct report_lost {
    std::string worker_id, connection;
};  ///< connection: as in Redis
struct run_duty {
    duty which = duty::reap;
    unix_time expected_now{0};  ///< the time of the functions; 0: unknown
};
struct read_gallery {
    std::string collection;
};
struct note {  ///< a log line
    log::level level = log::level::info;
    std::string what, worker, detail;
};
struct finished {};  ///< drained: the process may end

using effect = std::variant<to_worker, to_api, prepare_store, check_store, lease, hand_back,
                            report_lost, run_duty, read_gallery, note, finished>;
using effects = std::vector<effect>;

}  // namespace vultus::broker
