// See ip_range.hpp.
#include "shared/fetch/ip_range.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace vultus {
namespace {

constexpr int v4_bits = 96;  // of the prefix ::ffff:0:0/96
constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::array<std::uint8_t, 12> nat64{0, 0x64, 0xFF, 0x9B};  // 64:ff9b::/96, RFC 6052

struct classified {
    const char* range;
    ip_class as;
};

// The first that contains the address decides.
constexpr classified of_v4[] = {
    {"0.0.0.0/8", ip_class::blocked},      {"100.100.100.200", ip_class::blocked},
    {"169.254.0.0/16", ip_class::blocked}, {"192.0.0.0/24", ip_class::blocked},
    {"192.88.99.0/24", ip_class::blocked}, {"224.0.0.0/4", ip_class::blocked},
    {"240.0.0.0/4", ip_class::blocked},    {"168.63.129.16", ip_class::blocked},
    {"10.0.0.0/8", ip_class::inside},      {"100.64.0.0/10", ip_class::inside},
    {"127.0.0.0/8", ip_class::inside},     {"172.16.0.0/12", ip_class::inside},
    {"192.0.2.0/24", ip_class::inside},    {"192.168.0.0/16", ip_class::inside},
    {"198.18.0.0/15", ip_class::inside},   {"198.51.100.0/24", ip_class::inside},
    {"203.0.113.0/24", ip_class::inside},  {"::ffff:0.0.0.0/96", ip_class::open},
};
// Of IPv6 only 2000::/3 is given out; all that no row names is blocked.
constexpr classified of_v6[] = {
    {"fd00:ec2::/32", ip_class::blocked},
    {"fd20:ce::254", ip_class::blocked},
    {"2001::/23", ip_class::blocked},
    {"2002::/16", ip_class::blocked},
    {"::1", ip_class::inside},
    {"fc00::/7", ip_class::inside},
    {"2001:db8::/32", ip_class::inside},
    {"3fff::/20", ip_class::inside},
    {"2000::/3", ip_class::open},
};

template <std::size_t Count>
ip_class first_of(const classified (&rows)[Count], const ip_address& address) noexcept {
    for (const classified& row : rows) {
        if (parse_ip_range(row.range)->contains(address)) return row.as;
    }
    return ip_class::blocked;
}

}  // namespace

bool ip_address::is_v4() const noexcept {
    return std::equal(mapped.begin(), mapped.end(), bytes.begin());
}

std::optional<ip_address> parse_ip_address(std::string_view text) {
    const std::string whole(text);
    if (whole.find('\0') != std::string::npos) return std::nullopt;
    ip_address found;
    if (whole.find(':') != std::string::npos) {
        if (::inet_pton(AF_INET6, whole.c_str(), found.bytes.data()) != 1) return std::nullopt;
        return found;
    }
    std::copy(mapped.begin(), mapped.end(), found.bytes.begin());
    if (::inet_pton(AF_INET, whole.c_str(), found.bytes.data() + 12) != 1) return std::nullopt;
    return found;
}

std::string text_of(const ip_address& address) {
    char text[INET6_ADDRSTRLEN] = "";
    const bool v4 = address.is_v4();
    const std::uint8_t* const from = address.bytes.data() + (v4 ? 12 : 0);
    ::inet_ntop(v4 ? AF_INET : AF_INET6, from, text, sizeof text);
    return text;
}

ip_class class_of(const ip_address& address) noexcept {
    if (address.is_v4()) return first_of(of_v4, address);
    if (std::equal(nat64.begin(), nat64.end(), address.bytes.begin())) {
        ip_address inner = address;
        std::copy(mapped.begin(), mapped.end(), inner.bytes.begin());
        return first_of(of_v4, inner);
    }
    return first_of(of_v6, address);
}

bool ip_range::contains(const ip_address& address) const noexcept {
    for (int bit = 0; bit < bits; ++bit) {
        const auto byte = static_cast<std::size_t>(bit / 8);
        const unsigned mask = 0x80U >> (bit % 8);
        if (((first.bytes[byte] ^ address.bytes[byte]) & mask) != 0) return false;
    }
    return true;
}

std::optional<ip_range> parse_ip_range(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_ip_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    ip_range range{*address, 128};
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        // "::ffff:0:0/96" counts in 128 as it is written; "10.0.0.0/8" in 32.
        const bool short_form = text.substr(0, slash).find(':') == std::string_view::npos;
        const int most = short_form ? 32 : 128;
        int bits = -1;
        const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        const bool read = bad == std::errc{} && end == digits.data() + digits.size();
        if (!read || bits < 0 || bits > most || (digits.size() > 1 && digits[0] == '0')) {
            return std::nullopt;
        }
        range.bits = bits + (short_form ? v4_bits : 0);
    }
    ip_address base{};
    for (int bit = 0; bit < range.bits; ++bit) {
        const auto byte = static_cast<std::size_t>(bit / 8);
        const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
        base.bytes[byte] =
            static_cast<std::uint8_t>(base.bytes[byte] | (range.first.bytes[byte] & mask));
    }
    if (base != range.first) return std::nullopt;
    return range;
}

}  // namespace vultus
