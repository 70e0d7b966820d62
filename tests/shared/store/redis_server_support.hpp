// A redis-server of the test's own: on a Unix socket in a temporary folder, with the settings that
// Vultus asks for, ended by its process id.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "shared/store/redis_client.hpp"

namespace vultus {

class redis_server {
 public:
    /// `more`: words over the usual ones, as redis-server takes them on its command line.
    explicit redis_server(std::vector<std::string> more = {});
    ~redis_server();
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;

    void start();   ///< returns when it answers PING
    void kill();    ///< SIGKILL, and waits for the end
    void freeze();  ///< SIGSTOP
    void go_on();   ///< SIGCONT
    redis_address address() const;

 private:
    std::string folder_;
    std::vector<std::string> words_;
    pid_t pid_ = -1;
};

}  // namespace vultus
