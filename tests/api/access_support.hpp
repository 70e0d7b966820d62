// An api that asks for keys, and keys of every kind for it.
#pragma once

#include <memory>
#include <string>

#include "server_support.hpp"
#include "shared/access_key.hpp"

namespace vultus::api::testing {

class keyed_api {
 public:
    keyed_api();

    /// Stores a key and gives its text; the api knows it soon (settle()).
    std::string add(scope_set scopes, const std::string& collections = "team",
                    access_quota quota = {}, unix_time expires = unix_time(0));
    /// A key of the same id with another secret, its check right.
    static std::string forged(const std::string& key);
    static std::string field(const std::string& key);  ///< as a line of a header; "" of ""
    void revoke(const std::string& key);
    void settle(const std::string& key);  ///< waits until the api knows the key

    answer get(const std::string& target, const std::string& key);
    answer call(const std::string& method, const std::string& target, const std::string& key,
                const std::string& body = {});
    answer post_photo(const std::string& target, const std::string& key);
    /// The id of a job that is accepted with the key.
    std::string job(const std::string& target, const std::string& key);

    temporary_folder secrets;
    std::string secret;
    running_api api;
    redis_blocking redis;
    job_store store;
};

}  // namespace vultus::api::testing
