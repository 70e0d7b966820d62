// Users who log in on the web page: names, roles and hashes of passwords (api/ACCESS.md, "Login").
// Pure. The api checks passwords, vultusctl sets them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/base/result.hpp"
#include "shared/model/access_key.hpp"

namespace vultus {

enum class role : std::uint8_t { viewer, operator_, admin };
inline constexpr std::array all_roles{role::viewer, role::operator_, role::admin};

std::string_view name_of(role one) noexcept;  ///< "viewer", "operator", "admin"

/// errors    bad_option: unknown role
result<role> parse_role(std::string_view text);

/// viewer: read, recognize · operator: also train · admin: all
scope_set scopes_of(role one) noexcept;

struct user_record {
    std::string name;
    role as = role::viewer;
    std::vector<std::string> collections;  ///< {"*"}: all
    unix_time created{0}, changed{0};      ///< changed: the password
};

/// errors    bad_option: not [a-z0-9][a-z0-9._@-]* of at most limits::user_name_bytes
result<void> check_user_name(std::string_view name);

/// errors    bad_option: too short, too long, or not UTF-8
result<void> check_password(std::string_view password);

/// What Redis stores of a password: a slow hash, keyed with the secret, so that a copy of Redis is
/// not enough to test passwords, and write access to Redis is not enough to add a user.
/// requires  secret.size() == secret_bytes (secret.hpp)
std::string hash_of_password(std::string_view name, std::string_view password,
                             std::string_view secret);

/// Takes the same time for a right and a wrong password.
bool is_password(const std::string& hash, std::string_view name, std::string_view password,
                 std::string_view secret);

/// The token of the link that makes the first user: 64 hexadecimal digits; and what Redis stores of
/// it. A text that cannot be a token has a hash that no token has.
/// requires  secret.size() == secret_bytes
std::string new_setup_token();
std::string hash_of_setup(std::string_view token, std::string_view secret);

}  // namespace vultus
