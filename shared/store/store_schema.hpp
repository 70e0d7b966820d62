// The calls at the start of a process: is the server new enough and durable, which library is
// loaded, which layout do the data have. store_setup.hpp makes them in order.
#pragma once

#include "shared/base/clock.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct library_version {
    unsigned major = 0, minor = 0;
};

/// threads   any; const after construction
class store_schema {
 public:
    explicit store_schema(store_context context) : context_(std::move(context)) {}

    redis_call<void> check_server() const;  ///< Redis 7.0, Valkey 7.2 or newer
    redis_call<void> load_library() const;  ///< succeeds also if one is loaded already
    redis_call<void> replace_library() const;
    redis_call<library_version> about() const;  ///< 0.0: no library is loaded
    /// errors    wrong_version: data of another layout; bad_option: encrypted with another key
    redis_call<void> open(unsigned shards) const;
    /// errors    bad_option: names each setting of Redis that would lose accepted jobs
    redis_call<void> check_settings() const;
    redis_call<unix_time> time() const;  ///< of the clock of Redis' host

 private:
    store_context context_;
};

}  // namespace vultus
