// The client of a request behind a proxy. X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC
// 7239) are used only if they come from a proxy listed in the settings (ACCESS.md, "Proxies").
// Pure.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.hpp"

namespace vultus::api {

/// The usual form of an address: a dual-stack socket reports an IPv4 client as ::ffff:192.0.2.1;
/// Host, the audit log and all comparisons use 192.0.2.1.
std::string plain_address(const boost::asio::ip::address& of);

struct seen_client {
    std::string address;
    bool secure = false;  ///< the proxy was reached over TLS
};

/// `peer`     the other end of the connection
/// `trusted`  addresses of proxies. Of a chain of addresses the last one that is not among them is
///            the client; entries before it can be forged. If X-Forwarded-For and Forwarded give
///            different clients, the proxy counts as the client
seen_client client_behind(const headers& fields, std::string_view peer,
                          const std::vector<std::string>& trusted);

/// Whether an address is among those of a setting, however each is written.
bool is_listed(std::string_view which, const std::vector<std::string>& addresses);

/// The unit that shares and login attempts are counted for: an IPv4 address, or the first 64 bits
/// of an IPv6 address, because one client usually has the whole /64.
std::string counted_as(const std::string& address);

}  // namespace vultus::api
