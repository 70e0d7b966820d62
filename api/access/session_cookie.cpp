// See session_cookie.hpp.
#include "api/access/session_cookie.hpp"

#include "api/http/header_fields.hpp"
#include "shared/security/secret.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t random_digits = 64, check_digits = 16;

/// Several values are derived from one token and secret; the word separates them.
std::string made_of(std::string_view token, std::string_view word, std::string_view secret) {
    std::string text(word);
    text.append(1, ' ').append(token);
    return keyed_hash_hex(text, secret);
}

std::string check_of(std::string_view random, std::string_view secret) {
    return made_of(random, "session check", secret).substr(0, check_digits);
}

std::string_view name_of_cookie(bool secure) {
    return secure ? "__Host-vultus_session" : "vultus_session";
}

std::string cookie(std::string_view value, bool secure, std::string_view more) {
    std::string text(name_of_cookie(secure));
    text.append(1, '=').append(value).append("; Path=/; HttpOnly; SameSite=Strict").append(more);
    if (secure) text += "; Secure";
    return text;
}

/// Calls `each` with name and value of every pair in one field (RFC 6265, 4.2.1).
template <class Each>
void pairs_of(std::string_view field, Each each) {
    while (true) {
        const auto end = field.find(';');
        const auto pair = field.substr(0, end);
        const auto equals = pair.find('=');
        if (equals != std::string_view::npos) {
            each(trimmed(pair.substr(0, equals)), trimmed(pair.substr(equals + 1)));
        }
        if (end == std::string_view::npos) return;
        field.remove_prefix(end + 1);
    }
}

}  // namespace

std::string new_session_token(std::string_view secret) {
    const auto random = random_hex(random_digits / 2);
    return random + check_of(random, secret);
}

bool is_session_token(std::string_view text, std::string_view secret) {
    return text.size() == random_digits + check_digits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           same_secret(check_of(text.substr(0, random_digits), secret), text.substr(random_digits));
}

std::string hash_of_session(std::string_view token, std::string_view secret) {
    return made_of(token, "session", secret);
}

std::string csrf_of_session(std::string_view token, std::string_view secret) {
    return made_of(token, "session csrf", secret);
}

result<std::string> presented_session(const headers& fields, bool secure) {
    std::string found;
    int count = 0;
    for (const auto& [name, value] : fields) {
        if (!same_text(name, "cookie")) continue;
        pairs_of(value, [&](std::string_view of, std::string_view text) {
            if (of != name_of_cookie(secure)) return;
            ++count;
            found = text;
        });
    }
    if (count > 1) return fail(errc::unauthorized, "Two session cookies in one request");
    return found;
}

std::string session_cookie(std::string_view token, bool secure) {
    return cookie(token, secure, "");
}

std::string no_session_cookie(bool secure) {
    return cookie("", secure, "; Max-Age=0");
}

}  // namespace vultus::api
