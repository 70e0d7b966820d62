// People who log in on the web page: their names, their roles, and what is kept of a password
// (api/ACCESS.md, "Login"). Pure. The api checks passwords, vultusctl sets them.
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

/// errors    bad_option: no word of a role
result<role> parse_role(std::string_view text);

/// viewer: read, recognise · operator: train too · admin: all
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

/// What Redis keeps of a password: slow, and under the secret, so that who copies Redis can try no
/// passwords, and who writes into Redis can plant no user.
/// requires  secret.size() == secret_bytes (secret.hpp)
std::string hash_of_password(std::string_view name, std::string_view password,
                             std::string_view secret);

/// Takes as long whether it is the right one or not.
bool is_password(const std::string& hash, std::string_view name, std::string_view password,
                 std::string_view secret);

}  // namespace vultus
