// Parses the Forwarded field (RFC 7239). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vultus::api {

/// The element of one proxy; missing parameters are empty.
struct forwarded_element {
    std::string node;      ///< for=: without port and brackets; also empty if it is not an address
    std::string protocol;  ///< proto=
};

/// The elements in order, without empty ones. Nothing if any part of the field breaks the grammar:
/// an open quote of a client would swallow what a proxy appends.
std::optional<std::vector<forwarded_element>> read_forwarded(std::string_view field);

}  // namespace vultus::api
