// What every accepted request has in common: the idempotency key, the wait for a job's end, and the
// answer 202 or 200.
#pragma once

#include "api/http/message.hpp"
#include "api/services/services.hpp"

namespace vultus::api {

/// The problem document of an error, with the Retry-After of this moment.
response refuse(const error& why, const request& req, services& ctx);

/// What is said of a job that is not there, or not this key's.
extern const error no_such_job;

/// SHA-256 of client and Idempotency-Key, empty without one. errors malformed: not 1 to 255 visible
/// ASCII characters
result<std::string> idempotency_hash(const request& req);

/// Reads the job until it is terminal, the patience is over or the process drains; gives it as last
/// read. `hub`'s waiter was made before.
/// `reread_first`  false when the job was accepted after the waiter was made
asio::awaitable<result<job_record>> wait_for_end(event_hub::waiter& waiter, std::string id,
                                                 std::chrono::milliseconds patience, services& ctx);

/// 202 with Location and the job, or 200 with the finished job if the client prefers to wait.
/// `fresh`   the job as it was accepted
asio::awaitable<response> answer_accepted(const request& req, services& ctx,
                                          event_hub::waiter* waiter, accepted outcome,
                                          job_record fresh);

/// A place for a request that is to wait for something to happen, as long as it is kept; null: it
/// is answered at once, as places are scarce and its sender has his share of them.
std::shared_ptr<const void> place_to_wait(const request& req, services& ctx);

/// Lets everybody else have his turn of the loop, between two steps that take long.
asio::awaitable<void> next_turn(services& ctx);

/// What such a request hears that has nothing to say at once.
extern const error no_place_to_wait;

/// What Prefer asks for; 0 without.
std::chrono::seconds wait_wanted(const request& req);

}  // namespace vultus::api
