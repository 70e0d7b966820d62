// A data folder for the tests of vultusctl, and how to start a redis-server in it.
#pragma once

#include <filesystem>

#include "tests/support/redis_server_support.hpp"

namespace vultus::ctl {

class data_folder : public temporary_folder {
 public:
    data_folder() {
        std::filesystem::create_directories(path() + "/run");
        std::filesystem::create_directories(path() + "/redis");
    }
    redis_server_options redis() const {
        return {path() + "/redis", path() + "/run/redis.sock", {}};
    }
};

}  // namespace vultus::ctl
