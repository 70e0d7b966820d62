// Whose request it is when a proxy stands before the api: what X-Forwarded-For, X-Forwarded-Proto
// and Forwarded (RFC 7239) say counts only from a proxy that the settings name (ACCESS.md,
// "A proxy"). Pure.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.hpp"

namespace vultus::api {

/// As people write it: an IPv4 client of a socket that takes both comes as ::ffff:192.0.2.1, and is
/// 192.0.2.1 in Host, in the audit log and in every comparison.
std::string plain_address(const boost::asio::ip::address& of);

struct seen_client {
    std::string address;
    bool secure = false;  ///< the proxy was reached over TLS
};

/// `peer`     the other end of the connection
/// `trusted`  addresses of proxies. Of a chain of addresses the last that is none of them is the
///            client: what stands before it, anybody may have written. Where X-Forwarded-For and
///            Forwarded lead to two clients, the proxy counts
seen_client client_behind(const headers& fields, std::string_view peer,
                          const std::vector<std::string>& trusted);

/// Whom an address counts for, in shares and in tries to log in: itself, or of IPv6 the first 64
/// bits, as whoever has one of those has all the others.
std::string counted_as(const std::string& address);

}  // namespace vultus::api
