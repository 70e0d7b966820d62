// What every process does before it uses Redis, and again after each reconnect: is it new enough,
// would it keep what it accepts, is our library there and is the data of our layout. The steps are
// decided here; three loops carry them out: coroutines ask step() themselves, threads and poll
// loops use the two functions below.
#pragma once

#include <functional>
#include <memory>

#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_schema.hpp"

namespace vultus {

/// Use: while (!setup.done()) send setup.step(), end at the first error.
/// errors    wrong_version (server too old, data of another layout), bad_option (settings of Redis
///           that would lose jobs; check_settings() alone is to be repeated every 10 s),
///           store_unavailable (away)
class store_setup {
 public:
    explicit store_setup(const store_context& context, unsigned shards = 1);
    bool done() const noexcept;
    /// requires  !done(); the call before has been answered
    redis_call<void> step();

 private:
    struct progress;
    store_schema schema_;
    unsigned shards_;
    std::shared_ptr<progress> progress_;  ///< shared with the calls that are under way
};

/// True if only a person can make it good. A process that was never ready ends then, with exit code
/// 2 and the error on stderr; one that was waits for better.
bool refuses_start(errc why) noexcept;

/// threads   blocks, at most the times of the client per step
result<void> prepare_store(redis_blocking& redis, const store_context& context);

/// `done` is called inside the client's on_* functions, once.
/// requires  the client outlives the call
void prepare_store(redis_client& redis, const store_context& context,
                   std::function<void(result<void>)> done);

}  // namespace vultus
