// Common to all accepted requests: the idempotency key, the wait for the end of a job, and the
// answer 202 or 200.
#pragma once

#include "api/http/message.hpp"
#include "api/services/services.hpp"

namespace vultus::api {

/// The problem document of an error, with the current Retry-After.
response refuse(const error& why, const request& req, services& ctx);

/// The answer for a job that does not exist, or that the key may not see.
extern const error no_such_job;

/// SHA-256 of client and Idempotency-Key, empty without one. errors malformed: not 1 to 255 visible
/// ASCII characters
result<std::string> idempotency_hash(const request& req);

/// Reads the job until it is terminal, `patience` is over or the process drains. returns the job as
/// last read. requires the waiter was made before
/// `reread_first`  false when the job was accepted after the waiter was made
asio::awaitable<result<job_record>> wait_for_end(event_hub::waiter& waiter, std::string id,
                                                 std::chrono::milliseconds patience, services& ctx);

/// The job as this key may see it (null: no key is needed): with the names of faces_compared() if
/// it may read names. A face that was removed since has none, nor has any while Redis is
/// unreachable.
asio::awaitable<std::string> job_text(const job_record& job, const access_key* key, services& ctx);

/// 202 with Location and the job, or 200 with the finished job if the client prefers to wait.
/// `fresh`   the job as it was accepted
asio::awaitable<response> answer_accepted(const request& req, services& ctx,
                                          event_hub::waiter* waiter, accepted outcome,
                                          job_record fresh);

/// A place for a request that waits, taken as long as it is kept. Null: answer at once, because
/// places are scarce and the holder has its share.
std::shared_ptr<const void> place_to_wait(const request& req, services& ctx);

/// Lets the other handlers of the loop run, between two long steps.
asio::awaitable<void> next_turn(services& ctx);

/// The answer of a request that must wait and has no place.
extern const error no_place_to_wait;

/// The wait that Prefer asks for; 0 without.
std::chrono::seconds wait_wanted(const request& req);

}  // namespace vultus::api
