// The link that makes the first user (ACCESS.md, "The first user"): limits attempts as a login
// does, compares the token, and makes an admin.
#pragma once

#include <string>

#include "api/http/message.hpp"
#include "api/links/redis_asio.hpp"
#include "shared/base/metrics.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::api {

struct first_user {
    std::string token, name, password;
};

/// requires  secret.size() == secret_bytes (secret.hpp)
/// errors    bad_option: name or password; unauthorized: the token; quota: too many wrong ones,
/// with
///           req.retry_after; store_unavailable
/// threads   that of the io_context. Hashing the password takes it 50 to 100 ms, once in the life
/// of
///           a service: only for the right token
asio::awaitable<result<void>> make_first_user(request& req, redis_asio& redis,
                                              const user_store& users, metrics& measured,
                                              first_user wanted, std::string secret);

}  // namespace vultus::api
