// Internet addresses: which of them a photo may be fetched from (docs/http.md, "A photo by URL"),
// and ranges of them. Pure. Sources: the IANA special-purpose registries of IPv4 and IPv6, and
// the addresses under which clouds give credentials to whoever asks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vultus {

/// IPv4 as IPv4-mapped IPv6 (::ffff:a.b.c.d), so that both spellings are one address.
struct ip_address {
    std::array<std::uint8_t, 16> bytes{};
    bool is_v4() const noexcept;
    bool operator==(const ip_address&) const = default;
};

/// "192.0.2.1" or "2001:db8::1", as inet_pton() takes it: four decimal numbers without leading
/// zeros, no brackets, no zone. Nothing for any other spelling.
std::optional<ip_address> parse_ip_address(std::string_view text);

/// "192.0.2.1", "2001:db8::1".
std::string text_of(const ip_address& address);

enum class ip_class {
    open,     ///< reachable from anywhere
    inside,   ///< loopback, private, shared (RFC 6598), unique local, documentation, benchmarks
    blocked,  ///< link-local, multicast, unspecified, reserved, tunnels, metadata of clouds
};

/// An address that holds an IPv4 address (mapped, NAT64) has that address' class.
ip_class class_of(const ip_address& address) noexcept;

struct ip_range {
    ip_address first;
    int bits = 128;  ///< of the prefix, counted in 128; IPv4 /24 is 120
    bool contains(const ip_address& address) const noexcept;
    bool operator==(const ip_range&) const = default;
};

/// "10.0.0.0/8", "fd00::/8", or one address. Nothing if it is malformed, or has bits set beyond
/// its prefix, which would be a mistake.
std::optional<ip_range> parse_ip_range(std::string_view text);

}  // namespace vultus
