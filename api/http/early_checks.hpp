// What can be said about a request from its header alone, in the order of docs/http.md: fields,
// Host and Origin, method, Content-Type, Content-Length. Pure; nothing of a body is read before
// this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/http/message.hpp"

namespace vultus::api {

/// How the body is framed, and what the server knows of the connection.
struct framing {
    int version = 11;  ///< 10 times major plus minor
    bool chunked = false;
    std::optional<std::uint64_t> length;  ///< Content-Length
    std::string_view local_address;       ///< the one that the client reached
};

/// Checks the fields whatever the address is. The absolute form of a target is reduced to its path.
/// errors    malformed, misdirected, forbidden_origin
result<void> check_fields(request& req, const framing& body,
                          const std::vector<std::string>& allowed_hosts,
                          const std::vector<std::string>& cors_origins);

/// Whether the route takes such a body, and how many bytes of it at most.
/// requires  the route takes the method
/// errors    unsupported_media, length_required, too_large
result<std::size_t> check_body(request& req, const framing& body, const route_row& row);

}  // namespace vultus::api
