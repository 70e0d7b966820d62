// The setting api.fetch_urls: the hosts from which photos may be fetched. An entry is
//     images.example.com          that name, at the port of the scheme (80, 443)
//     *.example.com:8443          each name below it, and not it, at that port
//     203.0.113.7  [2001:db8::1]  an address, as it stands in the URL
//     10.20.0.0/16  [fd12::/48]   each address of the range, as it stands in the URL
//     private:cameras.lan:8080    a name (also with *.) that may lead to addresses inside
// Only the last three reach addresses inside (ip_range.hpp), blocked ones none. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/fetch/ip_range.hpp"
#include "shared/fetch/photo_url.hpp"

namespace vultus {

struct fetch_rule {
    std::string name;        ///< lower case; ".example.com" for *.example.com; empty: a range
    ip_range range{};        ///< without a name
    std::uint16_t port = 0;  ///< 0: the port of the scheme
    bool inside = false;     ///< what it names may be inside
    bool operator==(const fetch_rule&) const = default;
};

/// errors    bad_option: none of the forms above, a range of blocked addresses, or one that
///           holds more than inside addresses
result<fetch_rule> parse_fetch_rule(std::string_view text);

/// Whether an address may be connected to.
bool may_reach(const ip_address& address, bool inside) noexcept;

/// Whether a URL of this host and port may be fetched; then whether its host may be inside.
/// Nothing: no rule allows it.
std::optional<bool> allowed_reach(const std::vector<fetch_rule>& rules, const photo_url& url);

}  // namespace vultus
