// Users, their logins and their sessions: what the api needs, and what an operator changes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/user.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct login_try {
    std::chrono::milliseconds wait{0};  ///< not 0: refused, and not counted
    std::string password;               ///< the user's hash; empty: no such user
};
struct setup_try {
    std::chrono::milliseconds wait{0};  ///< not 0: refused, and not counted
    bool right = false;                 ///< finish_setup() would take the token
};
struct session_record {
    std::string user, collections;
    role as = role::viewer;
    unix_time ends{0};  ///< unless it is used before
};

/// `by`      for the audit log
/// threads   any; const after construction
class user_store {
 public:
    explicit user_store(store_context context) : context_(std::move(context)) {}

    /// Counts a wrong try; login() takes it back.
    /// `name`        empty: a name that no user has
    /// `counted_as`  the address that the try counts against
    redis_call<login_try> try_login(std::string_view name, std::string_view counted_as) const;
    /// Starts a session with that hash. errors unauthorized: the password was changed meanwhile
    redis_call<void> login(std::string_view name, std::string_view password,
                           std::string_view session_hash, std::string_view counted_as,
                           std::string_view address) const;
    /// `uses`    a request of a person: extends the session
    /// errors    unauthorized: the session has ended
    redis_call<session_record> session(std::string_view hash, bool uses) const;
    redis_call<void> end_session(std::string_view hash) const;  ///< succeeds if it has ended

    redis_call<std::vector<user_record>> users() const;  ///< oldest first
    /// `password`  a hash_of_password()
    /// errors    wrong_state: the name is taken; queue_full: limits::users exist
    redis_call<void> add_user(const user_record&, std::string_view password,
                              std::string_view by = {}) const;
    /// Also ends the user's sessions, and a wait after wrong passwords. errors not_found
    redis_call<void> change_password(std::string_view name, std::string_view password,
                                     std::string_view by = {}) const;
    /// errors    not_found
    redis_call<void> remove_user(std::string_view name, std::string_view by = {}) const;

    /// Lets the holder of the token with that hash make the first user, within an hour. Replaces an
    /// earlier token.
    /// errors    wrong_state: a user exists
    redis_call<void> begin_setup(std::string_view hash, std::string_view by = {}) const;
    /// Whether that token would do now. `hash`  empty: whether any would
    redis_call<bool> is_setup_open(std::string_view hash = {}) const;
    /// The same, and counts a wrong try for the address; finish_setup() takes it back.
    redis_call<setup_try> try_setup(std::string_view hash, std::string_view counted_as) const;
    /// Makes the admin and ends the token; clears the tries of `counted_as`.
    /// `password`  a hash_of_password()
    /// errors    unauthorized: another token, one that has ended, or a user exists
    redis_call<void> finish_setup(std::string_view hash, std::string_view name,
                                  std::string_view password, std::string_view counted_as,
                                  std::string_view address) const;

 private:
    store_context context_;
};

}  // namespace vultus
