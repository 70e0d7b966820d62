// Programs that the tests of vultusctl start: a redis-server of their own, and vultusctl itself.
#pragma once

#include <sys/types.h>
#include <string>
#include <vector>

namespace vultus::ctl {

struct outcome {
    int code = -1;  ///< exit code; 128 + n after signal n
    std::string out, err;
};

/// Runs the program to its end. `output`: where its standard output goes instead of `out`.
/// `input`: what it reads.
outcome run_program(const std::vector<std::string>& words, const std::string& output = "",
                    const std::string& input = "/dev/null");

/// A Redis on <folder>/run/redis.sock with config/redis.conf; ended by its pid.
class redis_server {
 public:
    explicit redis_server(const std::string& folder);
    ~redis_server();
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;
    const std::string& socket() const noexcept { return socket_; }

 private:
    std::string socket_;
    pid_t pid_ = -1;
};

}  // namespace vultus::ctl
