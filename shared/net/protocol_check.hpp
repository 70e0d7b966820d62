// What a message must hold beyond its shape: names that are names, counts within their limits. Used
// by protocol.cpp on every message that arrives. Pure.
#pragma once

#include "shared/net/protocol.hpp"

namespace vultus::protocol {

/// errors    malformed, naming the command and the field
result<void> check(const message& what);

}  // namespace vultus::protocol
