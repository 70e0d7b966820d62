// A request and its answer as plain values. Handlers use these types, so that Beast stays in few
// files and handlers can be read without knowing it.
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

/// The value of the first field of that name (ignoring ASCII case), empty if there is none.
std::string_view find_header(const headers& fields, std::string_view name) noexcept;

/// The user whose login session the request belongs to.
struct signed_in {
    std::string user;
    role as = role::viewer;
    std::string hash;   ///< of the session's token, as in Redis
    std::string csrf;   ///< the X-CSRF-Token that a change must carry
    unix_time ends{0};  ///< end of the session unless it is used again
};

struct request {
    std::string method;  ///< as sent: "GET"
    std::string target;  ///< as sent: path and query
    route to = route::web;
    const route_row* row = nullptr;     ///< the matched one; null: none, or in a test of a handler
    std::vector<std::string> segments;  ///< the decoded values of {..} in the route's pattern
    std::map<std::string, std::string> query;  ///< decoded
    headers fields;
    shared_bytes body;  ///< photos in it are handed on as views of it
    /// Counted as a body in progress while anything holds it: the body does, and whatever is made
    /// of the body and outlives it must. Null: nobody counts.
    std::shared_ptr<const void> room;
    std::string client = "anonymous";  ///< owner of the quota and of idempotency keys
    /// What the sender may do; null: the route or the service requires no key.
    std::shared_ptr<const access_key> key;
    std::shared_ptr<const signed_in> session;  ///< null: the key came with the request itself
    headers answer_fields;                     ///< added to any answer
    int retry_after = 0;                       ///< seconds for a 429 or 503; 0: the default
    std::string address;                       ///< of the client
    std::string holder;                        ///< for shares: a key, a user or a network
    bool hurried = false;     ///< all connections are taken: the handler must not wait
    bool secure = false;      ///< it came over TLS
    std::string trace_id;     ///< 32 hexadecimal digits
    std::string traceparent;  ///< W3C, made from trace_id
    bool upgrades = false;    ///< it is a WebSocket handshake

    std::string_view header(std::string_view name) const noexcept {
        return find_header(fields, name);
    }
};

/// The destination of a streamed answer.
class response_sink {
 public:
    virtual ~response_sink() = default;
    /// False after the client disconnected or was too slow: return then.
    virtual asio::awaitable<bool> write(std::string bytes) = 0;
};

/// A WebSocket for a handler. One read, one write and one close may run at the same time.
class message_channel {
 public:
    struct message {
        bool binary = false;
        bool whole = true;  ///< false: longer than `most`; the rest was discarded
        std::string bytes;
    };
    virtual ~message_channel() = default;
    /// The next message, at most its first `most` bytes. Nothing: the connection ended.
    virtual asio::awaitable<std::optional<message>> read(std::size_t most) = 0;
    /// Sends text. False after the client disconnected or was too slow.
    virtual asio::awaitable<bool> write(const std::string& text) = 0;
    /// Sends the close frame (RFC 6455, 7.4); read() then returns nothing.
    virtual asio::awaitable<void> close(int code, std::string_view reason) = 0;
};

struct response {
    int status = 200;
    headers fields;
    std::string body;
    bool close = false;  ///< close the connection after this answer
    /// If set, it is called after the header was sent and writes the body.
    std::function<asio::awaitable<void>(response_sink&)> stream;
    /// If set, the connection becomes a WebSocket (the request must ask for it), which this
    /// function uses until it returns; then it is closed.
    std::function<asio::awaitable<void>(message_channel&)> channel;

    response& with(std::string name, std::string value) {
        fields.emplace_back(std::move(name), std::move(value));
        return *this;
    }
};

response json_response(int status, std::string body);

}  // namespace vultus::api
