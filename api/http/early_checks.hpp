// Checks of a request that need its header only, in the order of docs/http.md: fields, Host and
// Origin, Content-Type, Content-Length. The server runs them before it reads the body. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/http/message.hpp"

namespace vultus::api {

/// The framing of the body, and properties of the connection.
struct framing {
    int version = 11;  ///< 10 times major plus minor
    bool chunked = false;
    std::optional<std::uint64_t> length;  ///< Content-Length
    std::string_view local_address;       ///< that the client connected to
};

/// Checks the fields of any route. Reduces the absolute form of a target to its path.
/// errors    malformed, misdirected, forbidden_origin
result<void> check_fields(request& req, const framing& body,
                          const std::vector<std::string>& allowed_hosts,
                          const std::vector<std::string>& cors_origins);

/// Checks that the route accepts this kind of body.
/// requires  the route accepts the method
/// returns   the largest accepted size of the body, in bytes
/// errors    unsupported_media, length_required, too_large
result<std::size_t> check_body(request& req, const framing& body, const route_row& row);

/// The target without the path under which a proxy shows the service. A target that is exactly that
/// path, which has no slash at its end, is the page's: then `at_root` is set.
struct based_target {
    std::string_view target;
    bool at_root = false;
};
based_target without_base(std::string_view target, std::string_view base_path) noexcept;

}  // namespace vultus::api
