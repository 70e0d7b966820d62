// A request handed on to another server: what a surface does not serve itself, to the address that
// the operator has set. One plain HTTP/1.0 request on a connection of its own, without the client's
// keys and cookies; a redirect is not followed; only JSON comes back.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>

#include "api/compat/common/form.hpp"
#include "shared/base/result.hpp"

namespace vultus::api::compat {

constexpr std::size_t upstream_answer_bytes = 4 * limits::mib;
constexpr std::chrono::milliseconds upstream_patience{30'000};

struct upstream_answer {
    int status = 0;
    std::string body;  ///< JSON
};

/// The form without these fields, with a boundary of its own, which is returned in `boundary`.
std::string form_without(const form& given, std::string_view fields, std::string& boundary);

/// errors    fetch_failed: it cannot be reached, hangs, redirects, sends too much, less than it
///           said, or no JSON
/// requires  `url` is http://HOST:PORT
asio::awaitable<result<upstream_answer>> forward(
    asio::io_context& io, std::string url, std::string path, std::string content_type,
    shared_bytes body, std::chrono::milliseconds patience = upstream_patience);

/// The head and body that a server sent until it closed. Pure.
/// errors    fetch_failed
result<upstream_answer> read_upstream(std::string_view sent);

}  // namespace vultus::api::compat
