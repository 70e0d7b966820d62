// A redis-server of the test's own: on a Unix socket, with config/redis.conf, ended by its process
// id. It depends on no client of the product, which some tests may have to blame.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "shared/store/redis_client.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus {

struct redis_server_options {
    std::string folder{};             ///< for its data, must exist; empty: a temporary folder
    std::string socket{};             ///< empty: redis.sock in the folder
    std::vector<std::string> more{};  ///< over config/redis.conf, as words of the command line
};

class redis_server {
 public:
    explicit redis_server(redis_server_options options = {});
    ~redis_server();
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;

    void start();   ///< on the same folder; returns when it answers PING
    void kill();    ///< SIGKILL, and waits for the end
    void freeze();  ///< SIGSTOP
    void resume();  ///< SIGCONT
    redis_address address() const { return {socket_, "", 0, "", ""}; }
    pid_t pid() const noexcept { return pid_; }

 private:
    temporary_folder own_;
    std::string socket_;
    std::vector<std::string> words_;
    pid_t pid_ = -1;
};

}  // namespace vultus
