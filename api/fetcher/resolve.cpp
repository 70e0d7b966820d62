// See resolve.hpp.
#include "api/fetcher/resolve.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>

#include "shared/fetch/fetch_rules.hpp"

namespace vultus::fetcher {
namespace {

constexpr std::size_t addresses_max = 16;

}  // namespace

result<std::vector<ip_address>> ask_system(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int bad = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, ::freeaddrinfo);
    if (bad != 0) {
        return fail(errc::fetch_failed, "Host " + host + " has no address: " + ::gai_strerror(bad));
    }
    std::vector<ip_address> addresses;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        ip_address address = *parse_ip_address("0.0.0.0");
        if (one->ai_family == AF_INET) {
            const auto* in = reinterpret_cast<const sockaddr_in*>(one->ai_addr);
            std::memcpy(address.bytes.data() + 12, &in->sin_addr, 4);
        } else if (one->ai_family == AF_INET6) {
            const auto* in = reinterpret_cast<const sockaddr_in6*>(one->ai_addr);
            std::memcpy(address.bytes.data(), &in->sin6_addr, 16);
        } else {
            continue;
        }
        if (addresses.size() < addresses_max) addresses.push_back(address);
    }
    return addresses;
}

result<std::vector<ip_address>> checked_addresses(const std::string& host, bool inside,
                                                  const resolver& ask) {
    std::vector<ip_address> addresses;
    if (const auto literal = parse_ip_address(host)) {
        addresses.push_back(*literal);
    } else {
        auto found = ask(host);
        if (!found) return fail(found.error());
        addresses = std::move(*found);
    }
    if (addresses.empty()) return fail(errc::fetch_failed, "Host " + host + " has no address");
    for (const ip_address& one : addresses) {
        if (may_reach(one, inside)) continue;
        return fail(errc::url_refused, "Host " + host + " leads to " + text_of(one) +
                                           ", where no photo may be fetched");
    }
    return addresses;
}

}  // namespace vultus::fetcher
