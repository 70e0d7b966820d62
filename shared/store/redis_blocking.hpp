// A Redis connection for a thread that may wait: sends one command and returns its reply.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shared/store/redis_client.hpp"

namespace vultus {

/// threads   one owner; call() blocks at most the connect plus the command time
class redis_blocking {
 public:
    explicit redis_blocking(redis_address address, redis_timeouts timeouts = {});
    ~redis_blocking();

    result<redis_reply> call(std::vector<std::string> words, std::vector<shared_bytes> photos = {});

    template <class T>
    result<T> call(redis_call<T> wanted) {
        auto reply = call(std::move(wanted.words), std::move(wanted.photos));
        if (!reply) return fail(reply.error());
        return wanted.parse(std::move(*reply));
    }

 private:
    std::unique_ptr<redis_client> client_;
    std::chrono::milliseconds connect_;
};

}  // namespace vultus
