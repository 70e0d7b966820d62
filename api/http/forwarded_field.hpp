// The field Forwarded (RFC 7239), as proxies write it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vultus::api {

/// What one proxy wrote; a parameter that it did not give is empty.
struct forwarded_element {
    std::string node;      ///< for=: without port and brackets; empty too if it names no address
    std::string protocol;  ///< proto=
};

/// The elements in order; those without any parameter are left out. Nothing if the field does not
/// keep to the grammar anywhere: what a client left open (a quote) would swallow what a proxy adds.
std::optional<std::vector<forwarded_element>> read_forwarded(std::string_view field);

}  // namespace vultus::api
