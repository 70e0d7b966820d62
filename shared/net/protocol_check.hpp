// The rules for the values in a message: valid names, counts within their limits. protocol.cpp
// checks every received message. Pure.
#pragma once

#include "shared/net/protocol.hpp"

namespace vultus::protocol {

/// errors    malformed, naming the command and the field
result<void> check(const message& what);

}  // namespace vultus::protocol
