// The session cookie: its form, how it is read from a request and set in an answer, and the two
// values derived from it: the hash that Redis stores, and the CSRF token (ACCESS.md, "Login").
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/http/message.hpp"

namespace vultus::api {

/// 64 random hexadecimal digits, and 16 of a keyed hash of them: forged tokens are refused without
/// a call to Redis.
/// requires  secret.size() == secret_bytes (secret.hpp), here and below
std::string new_session_token(std::string_view secret);
bool is_session_token(std::string_view text, std::string_view secret);

/// What Redis stores of it, 64 hexadecimal digits.
std::string hash_of_session(std::string_view token, std::string_view secret);

/// The value that a page must send in X-CSRF-Token, 64 hexadecimal digits.
std::string csrf_of_session(std::string_view token, std::string_view secret);

/// The value of the session cookie; empty without one. Other cookies are ignored.
/// `secure`  the request came over TLS: then only the cookie with the prefix __Host- counts
/// errors    unauthorized: it occurs twice
result<std::string> presented_session(const headers& fields, bool secure);

/// The values of Set-Cookie that set and remove the cookie.
std::string session_cookie(std::string_view token, bool secure);
std::string no_session_cookie(bool secure);

}  // namespace vultus::api
