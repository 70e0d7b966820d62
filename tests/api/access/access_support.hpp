// A running api that requires keys, with helpers for keys, users and sessions.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "shared/model/access_key.hpp"
#include "shared/store/store_context.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {

class keyed_api {
 public:
    static constexpr const char* password = "correct horse battery";

    explicit keyed_api(std::function<void(api_settings&)> adjust = {});

    /// Stores a key and gives its text; the api knows it soon (settle()).
    std::string add(scope_set scopes, const std::string& collections = "team",
                    access_quota quota = {}, unix_time expires = unix_time(0));
    /// A key of the same id with another secret, its check right.
    static std::string forged(const std::string& key);
    /// A key as a line of a header; "" of ""; lines as they are.
    static std::string field(const std::string& key);

    void add_user(const std::string& name, role as, const std::string& collections = "team");
    answer post_login(const std::string& name, const std::string& with = password,
                      const std::string& fields = {});
    /// Cookie and X-CSRF-Token of somebody who logs in, as lines of a header.
    std::string log_in(const std::string& name);
    static std::string cookie_line(const answer& of_login);
    static std::string csrf_line(const answer& of_login);
    /// The status once it is not 200 any more, and after how long the last that was served was
    /// sent: how long an answer takes is the machine's affair.
    std::pair<int, std::chrono::milliseconds> until_refused(const std::string& key);
    /// A long poll and a stream wait with the key while `end` makes it invalid: a second later they
    /// are refused, without the result of the job.
    void expect_waiting_ends(const std::string& key, const std::function<void()>& end);

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
    store_context store;
};

}  // namespace vultus::api::testing
