// A request and its answer as plain values. Everything of the api above server.cpp speaks in
// these, so that Beast stays in one file and handlers can be read without knowing it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/routes.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/shared_bytes.hpp"
#include "shared/model/user.hpp"

namespace vultus::api {

namespace asio = boost::asio;

using headers = std::vector<std::pair<std::string, std::string>>;

/// The value of the first field of that name (ASCII case does not count), empty if there is none.
std::string_view find_header(const headers& fields, std::string_view name) noexcept;

/// Whoever logged in on the page and sent this request.
struct signed_in {
    std::string user;
    role as = role::viewer;
    std::string hash;   ///< of the session, as Redis has it
    std::string csrf;   ///< what has to come with a change
    unix_time ends{0};  ///< if it is not used any more
};

struct request {
    std::string method;  ///< as sent: "GET"
    std::string target;  ///< as sent: path and query
    route to = route::web;
    std::vector<std::string> segments;  ///< the decoded values of {..} in the route's pattern
    std::map<std::string, std::string> query;  ///< decoded
    headers fields;
    shared_bytes body;  ///< photos in it are handed on as views of it
    /// Counted as a body in progress while anything holds it: the body does, and whatever is made
    /// of the body and outlives it must. Null: nobody counts.
    std::shared_ptr<const void> room;
    std::string client = "anonymous";  ///< whose quota and idempotency keys count
    /// What the sender may do; null: no key was asked for.
    std::shared_ptr<const access_key> key;
    std::shared_ptr<const signed_in> session;  ///< null: the key came with the request itself
    headers answer_fields;                     ///< added to the answer, whatever it is
    int retry_after = 0;                       ///< seconds of a 429 or 503; 0: as for any other
    std::string address;                       ///< whose request it is
    std::string holder;                        ///< whose shares count: a key, a user, a network
    bool hurried = false;     ///< all places are taken: it may not wait for anything
    bool secure = false;      ///< it came over TLS
    std::string trace_id;     ///< 32 hexadecimal digits
    std::string traceparent;  ///< W3C, made from trace_id
    bool upgrades = false;    ///< it is a WebSocket handshake

    std::string_view header(std::string_view name) const noexcept {
        return find_header(fields, name);
    }
};

/// Where a streaming answer goes.
class response_sink {
 public:
    virtual ~response_sink() = default;
    /// False once the client has left or was too slow: return then.
    virtual asio::awaitable<bool> write(std::string bytes) = 0;
};

/// A WebSocket as a handler sees it. One read, one write and one close at a time, beside one
/// another.
class message_channel {
 public:
    struct message {
        bool binary = false;
        bool whole = true;  ///< false: longer than wanted; what was too much is thrown away
        std::string bytes;
    };
    virtual ~message_channel() = default;
    /// The next message; of a longer one the first `most` bytes. Nothing: the connection is over.
    virtual asio::awaitable<std::optional<message>> read(std::size_t most) = 0;
    /// Sends text. False once the client has left or was too slow.
    virtual asio::awaitable<bool> write(const std::string& text) = 0;
    /// Says goodbye (RFC 6455, 7.4); read() ends by it.
    virtual asio::awaitable<void> close(int code, std::string_view reason) = 0;
};

struct response {
    int status = 200;
    headers fields;
    std::string body;
    bool close = false;  ///< end the connection after this answer
    /// When set, it is called after the header is out and writes the body itself.
    std::function<asio::awaitable<void>(response_sink&)> stream;
    /// When set, the connection becomes a WebSocket (the request must ask for it), is this
    /// function's until it returns, and then closed.
    std::function<asio::awaitable<void>(message_channel&)> channel;

    response& with(std::string name, std::string value) {
        fields.emplace_back(std::move(name), std::move(value));
        return *this;
    }
};

response json_response(int status, std::string body);

}  // namespace vultus::api
