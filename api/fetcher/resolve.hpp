// The addresses of a host, by the system's resolver, each checked before any is connected to.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/fetch/ip_range.hpp"

namespace vultus::fetcher {

/// The addresses of a name. errors    fetch_failed: it has none, or nobody answers
using resolver = std::function<result<std::vector<ip_address>>(const std::string& host)>;

/// getaddrinfo(): /etc/hosts and DNS, as the system is set up. Blocks, up to its own time-outs.
result<std::vector<ip_address>> ask_system(const std::string& host);

/// Looks the host up once. A host that is an address is its own answer.
/// `inside`  whether addresses inside are allowed (ip_range.hpp)
/// returns   1 to 16 addresses, all of which may be connected to
/// errors    fetch_failed; url_refused: one of them may not, even if others may
result<std::vector<ip_address>> checked_addresses(const std::string& host, bool inside,
                                                  const resolver& ask);

}  // namespace vultus::fetcher
