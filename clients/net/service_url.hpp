// The URL of a service, as given by a user.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus::net {

struct service_url {
    bool tls = false;
    std::string host;  ///< an IPv6 address without brackets
    std::string port;

    /// The value for a Host field.
    std::string authority() const;
};

/// Accepts http, https, ws or wss "://host[:port][/]", or "host[:port]", which is http. The default
/// port is 443 with TLS, else `plain_port`.
/// errors    malformed
result<service_url> parse_service_url(std::string_view text, const std::string& plain_port);

}  // namespace vultus::net
