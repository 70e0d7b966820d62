// See service_url.hpp.
#include "clients/net/service_url.hpp"

#include <array>
#include <utility>

namespace vultus::net {

std::string service_url::authority() const {
    const bool six = host.find(':') != std::string::npos;
    return (six ? "[" + host + "]" : host) + ":" + port;
}

result<service_url> parse_service_url(std::string_view text, const std::string& plain_port) {
    constexpr std::array schemes{std::pair{"http://", false}, std::pair{"ws://", false},
                                 std::pair{"https://", true}, std::pair{"wss://", true}};
    service_url found;
    for (const auto& [scheme, tls] : schemes) {
        if (!text.starts_with(scheme)) continue;
        text.remove_prefix(std::string_view(scheme).size());
        found.tls = tls;
        break;
    }
    while (text.ends_with('/')) text.remove_suffix(1);
    const auto bracket = text.rfind(']');
    const auto colon = text.find(':', bracket == text.npos ? 0 : bracket);
    found.host = text.substr(0, colon);
    found.port = colon == text.npos ? (found.tls ? "443" : plain_port) : text.substr(colon + 1);
    if (found.host.starts_with('[') && found.host.ends_with(']')) {
        found.host = found.host.substr(1, found.host.size() - 2);
    }
    const bool number = !found.port.empty() && found.port.size() <= 5 &&
                        found.port.find_first_not_of("0123456789") == std::string::npos;
    if (found.host.empty() || !number || found.host.find('/') != std::string::npos) {
        return fail(errc::malformed, "a URL must be like http://127.0.0.1:5000 or https://host");
    }
    return found;
}

}  // namespace vultus::net
