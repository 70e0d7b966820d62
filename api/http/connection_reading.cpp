// What a connection reads: the TLS handshake, the header and the body of a request. See
// connection.hpp.
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

#include "api/http/connection.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/problem.hpp"
#include "api/http/response_head.hpp"
#include "api/http/tls.hpp"
#include "shared/base/ids.hpp"

namespace vultus::api {
namespace {

constexpr int empty_lines_max = 8;  // before a request (RFC 9112, 2.2)

/// Removes up to `left` empty lines from the front. Returns whether other bytes follow.
bool skip_empty_lines(boost::beast::flat_buffer& buffer, int& left) {
    const auto text = [&] {
        return std::string_view(static_cast<const char*>(buffer.data().data()), buffer.size());
    };
    for (; left > 0 && text().starts_with("\r\n"); --left) buffer.consume(2);
    return !text().empty() && !(left > 0 && text() == "\r");
}

}  // namespace

/// The TLS handshake. A plain HTTP client gets an error in plain HTTP.
asio::awaitable<bool> http_connection::greet() {
    const auto bad = co_await stream.handshake_as_server();
    if (!bad) co_return !gone;
    if (!is_plain_http(bad)) co_return false;
    const auto refusal =
        problem({errc::malformed, "This port requires TLS: use https"}, random_hex32());
    const auto bytes = head_of(refusal, refusal.body.size(), false, true) + refusal.body;
    error_code ignored;
    co_await asio::async_write(socket, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, ignored));
    co_return false;
}

/// Waits until the first byte of a request is in the buffer.
asio::awaitable<bool> http_connection::wait_for_request() {
    int lines_left = empty_lines_max;
    if (skip_empty_lines(buffer, lines_left)) co_return true;
    enter(phase::idle);
    allow(in_reserve ? server->settings.reserve_time : server->settings.idle_time);
    do {
        error_code bad;
        const auto size = co_await stream.async_read_some(
            buffer.prepare(4 * limits::kib), asio::redirect_error(asio::use_awaitable, bad));
        if (bad || gone) co_return false;
        buffer.commit(size);
    } while (!skip_empty_lines(buffer, lines_left));
    co_return true;
}

/// False when the connection ended: closed by the client, broken, or refused here.
asio::awaitable<bool> http_connection::read_header() {
    if (!co_await wait_for_request()) co_return false;
    reading.emplace();
    reading->header_limit(limits::header_bytes);
    reading->body_limit(
        boost::none);  // set when the route is known; no byte of the body is read before
    allow(in_reserve ? server->settings.reserve_time : server->settings.header_time);
    enter(phase::header);
    error_code bad;
    co_await http::async_read_header(stream, buffer, *reading,
                                     asio::redirect_error(asio::use_awaitable, bad));
    if (!bad && !gone) co_return true;
    asked.trace_id = random_hex32();
    std::optional<error> why;
    if (gone) {
        why = error{errc::queue_full, "Too many connections: header not complete"};
    } else if (timed_out) {
        timed_out = false;
        why = error{errc::request_timeout, "Header not received in time"};
    } else if (bad == http::error::header_limit || bad == http::error::buffer_overflow) {
        why = error{errc::too_large, "Header is larger than 16 KiB"};
    } else if (bad.category() == http::make_error_code(http::error::bad_field).category() &&
               bad != http::error::end_of_stream && bad != http::error::partial_message) {
        why = error{errc::malformed, "Not HTTP/1.1"};
    }
    if (!why) co_return false;
    auto answer = refused(*why);
    reading.reset();
    if (co_await send(std::move(answer), true) && !gone) co_await linger();
    co_return false;
}

/// Reads the body and reserves room for each piece. In each body_time at least body_rate bytes per
/// second must arrive, so a stalled client holds its room for a short time only. A body with a
/// Content-Length is read from the socket into its place; Beast reads a chunked one.
asio::awaitable<std::optional<error>> http_connection::read_body() {
    if (!has_body()) co_return std::nullopt;
    const auto& settings = server->settings;
    if (is_list_of(asked.header("expect"), "100-continue")) {
        allow(settings.write_time);
        if (!co_await write_raw(continue_line, {})) {
            co_return error{errc::request_timeout, "Connection lost"};
        }
    }
    reserved_by = asked.holder;
    reading->eager(true);
    enter(phase::body);
    const std::size_t length =
        reading->chunked() ? 0 : static_cast<std::size_t>(declared_length().value_or(0));
    const std::size_t front = std::min(buffer.size(), length);  // it arrived with the header
    body_buffer& body = reading->get().body();
    const std::size_t least =
        settings.body_rate * static_cast<std::size_t>(settings.body_time.count()) / 1'000;
    std::size_t arrived = 0;
    allow(settings.body_time);
    const error full{errc::queue_full, "Too many request bodies in progress"};
    if (!book(front)) co_return full;
    body.append({static_cast<const char*>(buffer.data().data()), front}, length - front);
    buffer.consume(front);
    while (length > 0 ? body.size() < length : !reading->is_done()) {
        const auto before = body.size();
        error_code bad;
        if (length > 0) {
            const auto place = body.room(length - body.size());
            const auto size =
                co_await stream.async_read_some(asio::buffer(place.data(), place.size()),
                                                asio::redirect_error(asio::use_awaitable, bad));
            body.commit(size);
        } else {
            co_await http::async_read_some(stream, buffer, *reading,
                                           asio::redirect_error(asio::use_awaitable, bad));
        }
        if (auto failed = body_failed(bad)) co_return failed;
        const auto size = body.size() - before;
        if (!book(size)) co_return full;
        if (size > 0) since = boot_now();
        arrived += size;
        if (arrived >= least) {
            arrived = 0;
            allow(settings.body_time);
        }
    }
    asked.room = std::make_shared<char>();
    asked.body = body.take(asked.room);
    co_return std::nullopt;
}

std::optional<error> http_connection::body_failed(const error_code& bad) {
    if (crowded_out || gone) {
        crowded_out = false;
        return error{errc::queue_full, "Too many request bodies in progress: closed an idle one"};
    }
    if (timed_out) {
        timed_out = false;
        return error{errc::request_timeout, "Body not received in time"};
    }
    if (bad == http::error::body_limit) return error{errc::too_large, "Body is too large"};
    if (bad) return error{errc::malformed, "Body cannot be read"};
    return std::nullopt;
}

}  // namespace vultus::api
