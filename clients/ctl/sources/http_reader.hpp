// GETs from one server, by libcurl, on a connection that stays open. For a server that may be
// hostile: every answer has a limit of bytes and of time, no redirect is followed, no proxy, cookie
// or netrc is used.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "shared/base/result.hpp"
#include "shared/fetch/photo_url.hpp"

namespace vultus::ctl {

struct http_answer {
    long status = 0;
    std::string body;
};

struct http_server {
    photo_url url;            ///< its target is what every path begins with
    std::string header;       ///< sent with each request, such as "x-api-key: ..."
    std::string authorities;  ///< PEM file; empty: the system's
    std::function<bool()> stopped{};
};

/// threads   one owner
class http_reader {
 public:
    /// errors    internal: libcurl cannot be used
    static result<http_reader> open(http_server server);
    http_reader(http_reader&&) noexcept;
    http_reader& operator=(http_reader&&) noexcept;
    ~http_reader();

    /// One request, repeated twice where that may help: the server is unreachable, or answers 429
    /// or 5xx. A transfer that is slower than 1,000 bytes/s over 5 s, or takes 60 s, is broken off.
    /// returns   any other status
    /// errors    fetch_failed: no answer, a redirect, or still 429 or 5xx; too_large
    result<http_answer> get(const std::string& path, std::size_t bytes_max);

 private:
    struct state;
    explicit http_reader(std::unique_ptr<state>);
    result<http_answer> once(const std::string& path, std::size_t bytes_max);
    std::unique_ptr<state> state_;
};

}  // namespace vultus::ctl
