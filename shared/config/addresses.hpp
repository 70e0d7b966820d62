// What settings that are addresses may be. Pure.
#pragma once

#include <string>
#include <string_view>

namespace vultus {

/// An IPv4 or IPv6 address.
bool is_address(const std::string& text);

/// Empty, or segments that need no percent-encoding, without a slash at the end; the first is not
/// one of the service's own.
bool is_base_path(std::string_view text);

/// http://HOST:PORT, without a path.
bool is_upstream(std::string_view text);

}  // namespace vultus
