// See addresses.hpp.
#include "shared/config/addresses.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace vultus {

bool is_address(const std::string& text) {
    in6_addr room{};
    return ::inet_pton(AF_INET, text.c_str(), &room) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), &room) == 1;
}

bool is_base_path(std::string_view text) {
    constexpr std::string_view safe =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    const auto first = text.substr(0, std::min(text.find('/', 1), text.size()));
    for (const std::string_view own :
         {"/api", "/healthz", "/problems", "/metrics", "/docs", "/v1", "/ping", "/predict",
          "/health", "/welcome", "/open", "/detect", "/compute"}) {
        if (first == own) return false;
    }
    while (!text.empty()) {
        if (text.front() != '/') return false;
        text.remove_prefix(1);
        const auto segment = text.substr(0, text.find('/'));
        const bool good = segment.find_first_not_of(safe) == std::string_view::npos;
        if (segment.empty() || !good || segment == "." || segment == "..") return false;
        text.remove_prefix(segment.size());
    }
    return true;
}

bool is_upstream(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    const auto rest = text.substr(std::min(text.size(), scheme.size()));
    const auto colon = rest.rfind(':');
    return text.starts_with(scheme) && colon != rest.npos && colon > 0 &&
           rest.size() - colon <= 6 && rest.size() - colon >= 2 &&
           rest.find_first_not_of("0123456789", colon + 1) == rest.npos &&
           rest.find_first_of("/?#@ \t\r\n") == rest.npos;
}

}  // namespace vultus
