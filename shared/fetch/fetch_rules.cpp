// See fetch_rules.hpp.
#include "shared/fetch/fetch_rules.hpp"

#include <charconv>

namespace vultus {
namespace {

constexpr std::string_view mark = "private:";

tl::unexpected<error> bad(std::string_view text) {
    return fail(errc::bad_option,
                "must be HOST, *.HOST, an address, a range such as 10.20.0.0/16, or "
                "private:HOST, with :PORT if it is another, not \"" +
                    std::string(text) + "\"");
}

/// Takes ":PORT" from the end. False: it is none.
bool take_port(std::string_view& text, std::uint16_t& port) {
    const auto bracket = text.rfind(']');
    const auto colon = text.find(':', bracket == text.npos ? 0 : bracket);
    if (colon == text.npos) return true;
    const auto digits = text.substr(colon + 1);
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (wrong != std::errc{} || end != digits.data() + digits.size() || port == 0) return false;
    text = text.substr(0, colon);
    return true;
}

bool matches(const fetch_rule& rule, const photo_url& url) {
    if (url.port != (rule.port != 0 ? rule.port : url.tls ? 443 : 80)) return false;
    const auto address = parse_ip_address(url.host);
    if (rule.name.empty()) return address && rule.range.contains(*address);
    if (address) return false;
    if (!rule.name.starts_with('.')) return url.host == rule.name;
    return url.host.size() > rule.name.size() && url.host.ends_with(rule.name);
}

}  // namespace

result<fetch_rule> parse_fetch_rule(std::string_view text) {
    std::string_view rest = text;
    fetch_rule rule;
    rule.inside = rest.starts_with(mark);
    if (rule.inside) rest.remove_prefix(mark.size());
    if (!take_port(rest, rule.port)) return bad(text);
    const bool brackets = rest.starts_with('[') && rest.ends_with(']');
    const auto plain = brackets ? rest.substr(1, rest.size() - 2) : rest;
    const bool v6 = plain.find(':') != plain.npos;
    if (const auto range = parse_ip_range(plain); range && v6 == brackets) {
        if (rule.inside) return bad(text);
        rule.range = *range;
        ip_address last = range->first;
        for (int bit = range->bits; bit < 128; ++bit) {
            auto& byte = last.bytes[static_cast<std::size_t>(bit / 8)];
            byte = static_cast<std::uint8_t>(byte | (0x80U >> (bit % 8)));
        }
        const bool blocked =
            class_of(range->first) == ip_class::blocked || class_of(last) == ip_class::blocked;
        if (blocked) {
            return fail(errc::bad_option,
                        "must not hold link-local, multicast or reserved addresses");
        }
        rule.inside = true;
        return rule;
    }
    if (brackets) return bad(text);
    const bool below = rest.starts_with("*.");
    if (below) rest.remove_prefix(2);
    if (!is_host_name(rest)) return bad(text);
    rule.name = below ? "." : "";
    for (const char c : rest) {
        rule.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return rule;
}

bool may_reach(const ip_address& address, bool inside) noexcept {
    const ip_class is = class_of(address);
    return is == ip_class::open || (inside && is == ip_class::inside);
}

std::optional<bool> allowed_reach(const std::vector<fetch_rule>& rules, const photo_url& url) {
    std::optional<bool> reach;
    for (const fetch_rule& rule : rules) {
        if (matches(rule, url)) reach = reach.value_or(false) || rule.inside;
    }
    const auto address = parse_ip_address(url.host);
    if (reach && address && !may_reach(*address, *reach)) return std::nullopt;
    return reach;
}

}  // namespace vultus
