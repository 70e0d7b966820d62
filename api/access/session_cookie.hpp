// The cookie of a session: what it looks like, where it stands in a request and in an answer, and
// the two texts that are made of it: what Redis keeps, and the token against forged requests
// (ACCESS.md, "Login"). Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/http/message.hpp"

namespace vultus::api {

/// 64 hexadecimal digits by chance, and 16 that only the secret can make of them: a text that was
/// made up is told apart without a question to Redis.
/// requires  secret.size() == secret_bytes (secret.hpp), here and below
std::string new_session_token(std::string_view secret);
bool is_session_token(std::string_view text, std::string_view secret);

/// What Redis keeps of it, 64 hexadecimal digits.
std::string hash_of_session(std::string_view token, std::string_view secret);

/// What a page has to send in X-CSRF-Token, 64 hexadecimal digits.
std::string csrf_of_session(std::string_view token, std::string_view secret);

/// The value of our cookie as it was sent; empty: there is none. Others in the fields do not count.
/// `secure`  the request came over TLS: then only the cookie with the prefix __Host- is ours
/// errors    unauthorized: it is there twice
result<std::string> presented_session(const headers& fields, bool secure);

/// The values of Set-Cookie that begin and end it in the browser.
std::string session_cookie(std::string_view token, bool secure);
std::string no_session_cookie(bool secure);

}  // namespace vultus::api
