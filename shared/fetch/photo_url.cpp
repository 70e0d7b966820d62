// See photo_url.hpp.
#include "shared/fetch/photo_url.hpp"

#include <algorithm>
#include <charconv>

#include "shared/fetch/ip_range.hpp"

namespace vultus {
namespace {

constexpr std::size_t host_bytes = 253, label_bytes = 63;

tl::unexpected<error> bad(std::string_view why) {
    return fail(errc::bad_option, "URL of the photo " + std::string(why));
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

/// What a resolver might take for a number: all digits, or 0x and anything.
bool looks_like_number(std::string_view label) noexcept {
    return std::all_of(label.begin(), label.end(), is_digit) || label.starts_with("0x") ||
           label.starts_with("0X");
}

result<void> read_host(std::string_view text, photo_url& url) {
    if (text.starts_with('[')) {
        const auto inner = text.substr(1, text.size() - 2);
        const auto address = parse_ip_address(inner);
        if (!text.ends_with(']') || !address || inner.find(':') == inner.npos) {
            return bad("has a host in brackets that is no IPv6 address");
        }
        url.host = text_of(*address);
        return {};
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; })) {
        return bad("has a host that is not ASCII: send its xn-- form");
    }
    if (const auto address = parse_ip_address(text); address && address->is_v4()) {
        url.host = text_of(*address);
        return {};
    }
    if (!is_host_name(text)) {
        return bad("has a host that is neither a name nor an address in its usual form");
    }
    url.host = lower(text);
    return {};
}

result<void> read_port(std::string_view text, photo_url& url) {
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), url.port);
    const bool read = wrong == std::errc{} && end == text.data() + text.size();
    if (!read || url.port == 0 || text.front() == '0') return bad("has a port out of 1 to 65535");
    return {};
}

}  // namespace

bool is_host_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > host_bytes) return false;
    for (std::string_view rest = text;;) {
        const auto dot = rest.find('.');
        const auto label = rest.substr(0, dot);
        if (label.empty() || label.size() > label_bytes) return false;
        const auto fits = [](char c) {
            return is_letter(c) || is_digit(c) || c == '-' || c == '_';
        };
        if (!std::all_of(label.begin(), label.end(), fits)) return false;
        if (dot == std::string_view::npos) return !looks_like_number(label);
        rest.remove_prefix(dot + 1);
    }
}

result<photo_url> parse_photo_url(std::string_view text) {
    if (text.empty()) return bad("is empty");
    if (text.size() > photo_url_bytes) {
        return fail(errc::too_large, "URL of the photo is longer than 2,048 bytes");
    }
    photo_url url;
    const auto colon = text.find("://");
    const std::string scheme = lower(text.substr(0, std::min(colon, text.size())));
    if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) {
        return bad("must begin with http:// or https://");
    }
    url.tls = scheme == "https";
    std::string_view rest = text.substr(colon + 3);
    const auto end = std::min(rest.find_first_of("/?#\\"), rest.size());
    std::string_view authority = rest.substr(0, end);
    rest.remove_prefix(end);
    if (authority.find('@') != authority.npos) return bad("must not hold a user or a password");
    if (text.find('#') != text.npos) return bad("must not have a fragment (#)");
    const auto brackets = authority.rfind(']');
    const auto port = authority.find(':', brackets == authority.npos ? 0 : brackets);
    if (authority.empty() || port == 0) return bad("has no host");
    url.port = url.tls ? 443 : 80;
    if (port != authority.npos) {
        if (port + 1 == authority.size()) return bad("has a port out of 1 to 65535");
        if (auto good = read_port(authority.substr(port + 1), url); !good)
            return fail(good.error());
    }
    if (auto good = read_host(authority.substr(0, port), url); !good) return fail(good.error());
    const auto fits = [](char c) { return c > ' ' && c <= '~' && c != '\\' && c != '"'; };
    if (!std::all_of(rest.begin(), rest.end(), fits)) {
        return bad("holds characters that must be percent-encoded");
    }
    url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
    return url;
}

std::string text_of(const photo_url& url) {
    const bool v6 = url.host.find(':') != std::string::npos;
    std::string text = url.tls ? "https://" : "http://";
    text += v6 ? "[" + url.host + "]" : url.host;
    if (url.port != (url.tls ? 443 : 80)) text += ":" + std::to_string(url.port);
    return text + url.target;
}

}  // namespace vultus
