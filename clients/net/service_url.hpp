// Where a service is, as a person writes it.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus::net {

struct service_url {
    bool tls = false;
    std::string host;  ///< an IPv6 address without brackets
    std::string port;

    /// As it stands in a Host field.
    std::string authority() const;
};

/// Takes http, https, ws or wss "://host[:port][/]", or "host[:port]", which is http. Without a
/// port: 443 with TLS, else `plain_port`.
/// errors    malformed
result<service_url> parse_service_url(std::string_view text, const std::string& plain_port);

}  // namespace vultus::net
