// See header_fields.hpp.
#include "api/http/header_fields.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>

#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

/// The 16 bytes of an address in any notation; an IPv4 address as ::ffff:a.b.c.d.
std::optional<std::array<unsigned char, 16>> address_bytes(std::string_view text) noexcept {
    text = text.substr(0, text.find('%'));  // without the interface
    std::array<char, INET6_ADDRSTRLEN> name{};
    if (text.size() >= name.size()) return std::nullopt;
    std::copy(text.begin(), text.end(), name.begin());
    std::array<unsigned char, 16> bytes{};
    if (::inet_pton(AF_INET6, name.data(), bytes.data()) == 1) return bytes;
    bytes.fill(0);
    bytes[10] = bytes[11] = 0xFF;
    if (::inet_pton(AF_INET, name.data(), bytes.data() + 12) == 1) return bytes;
    return std::nullopt;
}

bool is_same_address(std::string_view a, std::string_view b) noexcept {
    const auto bytes = address_bytes(a);
    return bytes && bytes == address_bytes(b);
}

/// Removes and returns the text before `mark`, and the mark. Marks inside "..." are ignored.
std::string_view take_until(std::string_view& rest, char mark) noexcept {
    bool quoted = false;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (rest[i] == '"') quoted = !quoted;
        if (rest[i] == mark && !quoted) {
            const auto taken = rest.substr(0, i);
            rest.remove_prefix(i + 1);
            return taken;
        }
    }
    const auto taken = rest;
    rest = {};
    return taken;
}

std::string_view unquoted(std::string_view text) noexcept {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
        return text.substr(1, text.size() - 2);
    }
    return text;
}

std::optional<long> whole_number(std::string_view text) noexcept {
    long value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc{} || end != text.data() + text.size() || text.front() == '-') return {};
    return value;
}

/// The fields that RFC 9110 and related ones define as lists, without Transfer-Encoding: two of it,
/// or two Content-Length, can smuggle requests and are refused.
constexpr std::string_view list_fields[] = {
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "expect",
    "forwarded",
    "if-match",
    "if-none-match",
    "pragma",
    "prefer",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "te",
    "trailer",
    "upgrade",
    "via",
    "warning",
    "x-forwarded-for",
    "x-forwarded-proto",
};

bool is_list_field(std::string_view name) noexcept {
    return std::any_of(std::begin(list_fields), std::end(list_fields),
                       [&](std::string_view one) { return same_text(one, name); });
}

/// "[::1]:5000" and "name:5000" without port and brackets.
std::string_view host_name(std::string_view host) noexcept {
    if (!host.empty() && host.front() == '[') {
        const auto end = host.find(']');
        return end == std::string_view::npos ? std::string_view{} : host.substr(1, end - 1);
    }
    return host.substr(0, host.find(':'));
}

}  // namespace

bool same_text(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void join_lists(std::vector<std::pair<std::string, std::string>>& fields) {
    std::map<std::string, std::size_t> first;
    std::size_t kept = 0;
    for (auto& field : fields) {
        if (is_list_field(field.first)) {
            const auto [at, fresh] = first.emplace(lowered(field.first), kept);
            if (!fresh) {
                fields[at->second].second += ", " + field.second;
                continue;
            }
        }
        if (&fields[kept] != &field) fields[kept] = std::move(field);
        ++kept;
    }
    fields.resize(kept);
}

bool is_list_of(std::string_view list, std::string_view wanted) noexcept {
    bool any = false;
    while (!list.empty()) {
        const auto entry = trimmed(take_until(list, ','));
        if (entry.empty()) continue;  // RFC 9110, 5.6.1.2
        if (!same_text(entry, wanted)) return false;
        any = true;
    }
    return any;
}

media_type parse_media_type(std::string_view value) {
    media_type parsed;
    const auto type = trimmed(take_until(value, ';'));
    if (type.find('/') == std::string_view::npos) return parsed;
    parsed.type = lowered(type);
    while (!value.empty()) {
        auto parameter = take_until(value, ';');
        const auto name = trimmed(take_until(parameter, '='));
        if (same_text(name, "boundary")) parsed.boundary = unquoted(trimmed(parameter));
    }
    return parsed;
}

std::optional<std::chrono::seconds> prefer_wait(std::string_view value) {
    while (!value.empty()) {
        auto preference = take_until(value, ',');
        preference = take_until(preference, ';');
        const auto name = trimmed(take_until(preference, '='));
        if (!same_text(name, "wait")) continue;
        const auto text = unquoted(trimmed(preference));
        if (text.empty()) return {};
        const auto seconds = whole_number(text);
        if (!seconds) return {};
        return std::min(std::chrono::seconds(*seconds), limits::wait);
    }
    return {};
}

result<std::chrono::seconds> parse_wait(std::string_view value) {
    const auto seconds = value.empty() ? std::nullopt : whole_number(value);
    if (!seconds || *seconds > limits::wait.count()) {
        return fail(errc::bad_option, "wait must be an integer from 0 to 30 (seconds)");
    }
    return std::chrono::seconds(*seconds);
}

bool matches_tag(std::string_view list, std::string_view tag) noexcept {
    if (tag.substr(0, 2) == "W/") tag.remove_prefix(2);
    while (!list.empty()) {
        auto entry = trimmed(take_until(list, ','));
        if (entry == "*") return true;
        if (entry.substr(0, 2) == "W/") entry.remove_prefix(2);
        if (entry == tag) return true;
    }
    return false;
}

bool is_our_host(std::string_view host, std::string_view local_address,
                 const std::vector<std::string>& allowed) noexcept {
    const auto name = host_name(host);
    if (name.empty()) return false;
    if (same_text(name, "localhost")) return true;
    for (const std::string_view ours :
         {std::string_view("127.0.0.1"), std::string_view("::1"), local_address}) {
        if (is_same_address(name, ours)) return true;
    }
    return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
        return entry == "*" || same_text(name, entry) || same_text(host, entry);
    });
}

bool is_foreign(std::string_view origin, std::string_view fetch_site, std::string_view host,
                const std::vector<std::string>& cors_origins) noexcept {
    if (!origin.empty()) {
        if (std::find(cors_origins.begin(), cors_origins.end(), origin) != cors_origins.end()) {
            return false;
        }
        const auto slashes = origin.find("://");
        if (slashes == std::string_view::npos) return true;
        if (!same_text(origin.substr(slashes + 3), host)) return true;
    }
    return same_text(fetch_site, "cross-site");
}

std::string trace_id_of(std::string_view traceparent) {
    // version "-" trace-id "-" parent-id "-" flags, all lower case hexadecimal
    if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-' ||
        traceparent[52] != '-' || traceparent.substr(0, 2) == "ff") {
        return {};
    }
    const auto id = traceparent.substr(3, 32);
    if (id.find_first_not_of("0123456789abcdef") != std::string_view::npos) return {};
    if (id.find_first_not_of('0') == std::string_view::npos) return {};
    return std::string(id);
}

int retry_after_seconds(std::uint64_t depth, double jobs_per_second, double chance) noexcept {
    const double rate = std::max(jobs_per_second, 1.0);
    const double wait = std::clamp(static_cast<double>(depth) / rate, 1.0, 120.0);
    return static_cast<int>(std::ceil(wait * (1.0 + 0.25 * chance)));
}

}  // namespace vultus::api
