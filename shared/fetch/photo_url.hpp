// The URL of a photo, parsed strictly: one spelling of a host and nothing that two parsers could
// read differently, because one program checks it and another connects. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

constexpr std::size_t photo_url_bytes = 2'048;

struct photo_url {
    bool tls = false;  ///< https
    std::string host;  ///< lower case; a name, "192.0.2.1" or "2001:db8::1" without brackets
    std::uint16_t port = 0;
    std::string target;  ///< path and query, at least "/"
    bool operator==(const photo_url&) const = default;
};

/// Reads http:// or https://, a host, optionally a port, a path and a query.
/// errors    bad_option, with the reason: another scheme, a user or password, a fragment, a host
///           that is no ASCII name (IDN: send its xn-- form) and no address in its usual spelling
///           (2130706433, 0x7f.1 and 0177.0.0.1 are none), port 0, characters that must be
///           escaped, more than photo_url_bytes
result<photo_url> parse_photo_url(std::string_view text);

/// The URL as text.
std::string text_of(const photo_url& url);

/// A DNS name in ASCII: labels of 1 to 63 letters, digits, '-' and '_', 253 bytes at most, the last
/// one not a number, which some resolvers would read as an address.
bool is_host_name(std::string_view text) noexcept;

}  // namespace vultus
