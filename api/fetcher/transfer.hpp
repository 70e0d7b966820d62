// One HTTP request, by libcurl, to addresses that were checked before. No redirect is followed, no
// proxy, cookie, netrc or alternative service is used.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/fetch/fetch_messages.hpp"
#include "shared/fetch/ip_range.hpp"

namespace vultus::fetcher {

/// What a transfer needs from the file system, read while it may be read.
struct trust {
    std::string authorities;  ///< certificates in PEM
};

/// Loads libcurl and OpenSSL, and for https the certificates: afterwards no file is opened.
/// errors    internal: they cannot be loaded
result<trust> prepare_transfer(const fetch_order& order);

struct fetched {
    std::string photo;     ///< the body of a 200
    std::string redirect;  ///< the absolute URL of a 301, 302, 303, 307 or 308; instead of it
};

/// GETs the URL from one of the addresses. The socket of every connection is checked again.
/// requires  prepare_transfer()
/// errors    fetch_failed: the server cannot be reached, has another certificate, answers another
///           status, or is slower than 1,000 bytes/s for 4 s or than the order's time ·
///           too_large: more than order.bytes_max · url_refused: a connection to another address
result<fetched> transfer(const fetch_order& order, const std::vector<ip_address>& addresses,
                         const trust& trusted);

}  // namespace vultus::fetcher
