// The checks of every process before it uses Redis, and again after each reconnect: server version,
// durable settings, library and layout of the data. This class decides the steps; coroutines call
// step() themselves, threads and poll loops use the two functions below.
#pragma once

#include <functional>
#include <memory>

#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_schema.hpp"

namespace vultus {

/// Use: while (!setup.done()) send setup.step(), end at the first error.
/// errors    wrong_version (server too old, data of another layout), bad_option (settings of Redis
///           that would lose jobs; repeat check_settings() alone every 10 s),
///           store_unavailable
class store_setup {
 public:
    explicit store_setup(const store_context& context, unsigned shards = 1);
    bool done() const noexcept;
    /// requires  !done(); the reply to the previous call was parsed
    redis_call<void> step();

 private:
    struct progress;
    store_schema schema_;
    unsigned shards_;
    std::shared_ptr<progress> progress_;  ///< shared with the calls in progress
};

/// True if an operator must correct it. A process that was never ready then exits with code 2 and
/// the error on stderr; one that was ready keeps trying.
bool refuses_start(errc why) noexcept;

/// threads   blocks, at most the times of the client per step
result<void> prepare_store(redis_blocking& redis, const store_context& context);

/// `done` is called inside the client's on_* functions, once.
/// requires  the client outlives the call
void prepare_store(redis_client& redis, const store_context& context,
                   std::function<void(result<void>)> done);

}  // namespace vultus
