// See user.hpp.
#include "shared/model/user.hpp"

#include <algorithm>

#include "shared/base/limits.hpp"
#include "shared/security/secret.hpp"

namespace vultus {
namespace {

constexpr std::string_view first_letters = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789._@-";

/// Contains the name, so that a hash is invalid for another user.
std::string under_secret(std::string_view name, std::string_view password,
                         std::string_view secret) {
    std::string text = "password ";
    text.append(name).append(1, '\n').append(password);
    return keyed_hash_hex(text, secret);
}

}  // namespace

std::string_view name_of(role one) noexcept {
    switch (one) {
        case role::viewer:
            return "viewer";
        case role::operator_:
            return "operator";
        case role::admin:
            return "admin";
    }
    return "";
}

result<role> parse_role(std::string_view text) {
    const auto* const found = std::find_if(all_roles.begin(), all_roles.end(),
                                           [&](role one) { return name_of(one) == text; });
    if (found == all_roles.end()) {
        return fail(errc::bad_option,
                    "unknown role \"" + std::string(text) + "\": viewer, operator or admin");
    }
    return *found;
}

scope_set scopes_of(role one) noexcept {
    scope_set scopes{scope::read, scope::recognize};
    if (one != role::viewer) scopes.add(scope::train);
    if (one == role::admin) scopes.add(scope::admin);
    return scopes;
}

result<void> check_user_name(std::string_view name) {
    const bool good = !name.empty() && name.size() <= limits::user_name_bytes &&
                      first_letters.find(name.front()) != std::string_view::npos &&
                      name.find_first_not_of(letters) == std::string_view::npos;
    if (good) return {};
    return fail(errc::bad_option,
                "a user name must be 1 to 48 of a-z, 0-9, '.', '_', '@' and '-', a letter or digit "
                "first");
}

result<void> check_password(std::string_view password) {
    if (password.size() > limits::password_bytes || !is_utf8(password)) {
        return fail(errc::bad_option, "a password must be UTF-8 of at most 256 bytes");
    }
    const auto letters_in =
        std::count_if(password.begin(), password.end(), [](char c) { return (c & 0xC0) != 0x80; });
    if (static_cast<std::size_t>(letters_in) < limits::password_letters_least) {
        return fail(errc::bad_option, "a password must have at least 10 characters");
    }
    return {};
}

std::string hash_of_password(std::string_view name, std::string_view password,
                             std::string_view secret) {
    return slow_hash(under_secret(name, password, secret));
}

bool is_password(const std::string& hash, std::string_view name, std::string_view password,
                 std::string_view secret) {
    return is_slow_hash_of(hash, under_secret(name, password, secret));
}

std::string new_setup_token() {
    return random_hex(secret_bytes);
}

std::string hash_of_setup(std::string_view token, std::string_view secret) {
    return keyed_hash_hex("setup " + std::string(token), secret);
}

}  // namespace vultus
