// See http_session.hpp.
#include "api/http_session.hpp"

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

#include "api/fields.hpp"
#include "api/forwarded.hpp"
#include "api/http_websocket.hpp"
#include "api/problem.hpp"
#include "api/query.hpp"
#include "api/tls.hpp"
#include "api/wire.hpp"
#include "shared/ids.hpp"
#include "shared/log.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t linger_bytes_max = 64 * limits::mib;

}  // namespace

asio::awaitable<void> session::run() {
    const auto self = shared_from_this();
    if (server->sessions.size() > server->settings.connections_max && !server->make_room()) {
        ++server->refused;
        allow(server->settings.linger_time);
        if (co_await greet()) {
            asked.trace_id = random_hex32();
            auto full = refused({errc::queue_full, "too many connections"});
            co_await send(std::move(full), true);
            co_await linger();
        }
        --server->refused;
    } else {
        allow(server->settings.header_time);
        bool stays = co_await greet();
        while (stays && !server->draining) stays = co_await one_request();
    }
    error_code ignored;
    timer.cancel();
    socket.close(ignored);
}

asio::awaitable<bool> session::one_request() {
    release();
    asked = {};
    row = nullptr;
    timed_out = false;
    if (!co_await read_header()) co_return false;
    const auto begun = boot_now();
    bool body_is_read = false;
    auto answer = co_await answer_of(body_is_read);
    const bool stays = !answer.close && !server->leaving && !server->draining;
    const bool alive = body_is_read && reading->keep_alive() && stays;
    const int status = answer.status;
    if (answer.channel) {
        server->measured.count("vultus_http_requests_total",
                               {{"route", row->name}, {"status", std::to_string(status)}});
        co_await become_websocket(*this, answer.channel);
        co_return false;
    }
    const bool sent = co_await send(std::move(answer), !alive);
    const std::string_view name = row == nullptr ? "none" : row->name;
    server->measured.count("vultus_http_requests_total",
                           {{"route", name}, {"status", std::to_string(status)}});
    server->measured.observe_ms("vultus_http_request_ms",
                                static_cast<double>((boot_now() - begun).count()),
                                {{"route", name}});
    if (sent && !alive) co_await linger();
    co_return sent&& alive;
}

/// Agrees about TLS. A client that speaks plain HTTP to it is told so, in plain HTTP.
asio::awaitable<bool> session::greet() {
    const auto bad = co_await stream.handshake_as_server();
    if (!bad) co_return true;
    if (!is_plain_http(bad)) co_return false;
    const auto told = problem({errc::malformed, "this port speaks TLS: use https"}, random_hex32());
    const auto bytes = head_of(told, told.body.size(), false, true) + told.body;
    error_code ignored;
    co_await asio::async_write(socket, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, ignored));
    co_return false;
}

/// False when the connection is over: closed by the client, broken, or refused here.
asio::awaitable<bool> session::read_header() {
    error_code bad;
    if (buffer.size() == 0) {
        idle = true;
        idle_since = boot_now();
        idle_turn = ++server->idle_turns;
        allow(server->settings.idle_time);
        const auto size = co_await stream.async_read_some(
            buffer.prepare(4 * limits::kib), asio::redirect_error(asio::use_awaitable, bad));
        idle = false;
        if (bad) co_return false;
        buffer.commit(size);
    }
    reading.emplace();
    reading->header_limit(limits::header_bytes);
    reading->body_limit(boost::none);  // set when the route is known; nothing of a body is read yet
    allow(server->settings.header_time);
    co_await http::async_read_header(stream, buffer, *reading,
                                     asio::redirect_error(asio::use_awaitable, bad));
    if (!bad) co_return true;
    asked.trace_id = random_hex32();
    std::optional<error> why;
    if (timed_out) {
        timed_out = false;
        why = error{errc::request_timeout, "the header came too slowly"};
    } else if (bad == http::error::header_limit || bad == http::error::buffer_overflow) {
        why = error{errc::too_large, "the header is larger than 16 KiB"};
    } else if (bad.category() == http::make_error_code(http::error::bad_field).category() &&
               bad != http::error::end_of_stream && bad != http::error::partial_message) {
        why = error{errc::malformed, "this is not HTTP/1.1"};
    }
    if (!why) co_return false;
    auto answer = refused(*why);
    if (co_await send(std::move(answer), true)) co_await linger();
    co_return false;
}

response session::refused(const error& why) const {
    const int later = asked.retry_after > 0 ? asked.retry_after : server->retry_after();
    return problem(why, asked.trace_id, later);
}

void session::fill_request() {
    const auto& message = reading->get();
    const auto text = [](auto view) { return std::string(view.data(), view.size()); };
    asked.method = text(message.method_string());
    // What was sent before the handshake is answered belongs to no WebSocket.
    asked.upgrades = is_handshake(message) && buffer.size() == 0;
    asked.target = text(message.target());
    for (const auto& field : message) {
        asked.fields.emplace_back(text(field.name_string()), text(field.value()));
    }
    auto seen = client_behind(asked.fields, remote_address, server->settings.trusted_proxies);
    asked.address = std::move(seen.address);
    asked.secure = seen.secure || stream.is_secure();
    const auto trace = trace_id_of(asked.header("traceparent"));
    asked.trace_id = trace.empty() ? random_hex32() : trace;
    asked.traceparent = "00-" + asked.trace_id + "-" + random_hex32().substr(0, 16) + "-01";
}

framing session::framing_of() const {
    framing body;
    body.version = static_cast<int>(reading->get().version());
    body.chunked = reading->chunked();
    if (const auto length = reading->content_length()) body.length = *length;
    body.local_address = local_address;
    return body;
}

/// Of a method that the route does not take, and of OPTIONS.
std::optional<response> session::answer_method() const {
    response answer;
    if (!allows(*row, asked.method)) {
        answer = refused({errc::method_not_allowed, "see the Allow header"});
    } else if (asked.method == "OPTIONS") {
        answer.status = 204;
    } else {
        return std::nullopt;
    }
    answer.with("Allow", allow_header(*row));
    return answer;
}

/// Everything that can be said about an admitted request before its body is read.
std::optional<response> session::refuse_early() {
    const auto body = framing_of();
    const auto most = check_body(asked, body, *row);
    if (!most) return refused(most.error());
    if (auto good = server->check(*row); !good) return refused(good.error());
    const auto bytes = body.chunked ? *most : static_cast<std::size_t>(body.length.value_or(0));
    if (server->body_bytes + bytes > server->settings.inflight_body_bytes_max) {
        return refused({errc::queue_full, "too many bodies are being received"});
    }
    reserved = bytes;
    server->body_bytes += bytes;
    reading->body_limit(*most);
    return {};
}

/// Of photos in the body, as a quota counts them.
std::optional<std::size_t> session::image_bytes() const {
    if (row->body != body_kind::photo) return 0;
    if (reading->chunked()) return std::nullopt;
    return static_cast<std::size_t>(reading->content_length().value_or(0));
}

asio::awaitable<response> session::answer_of(bool& body_is_read) {
    fill_request();
    body_is_read = false;  // of a request that is not understood, nobody knows where it ends
    const auto good = check_fields(asked, framing_of(), server->settings.allowed_hosts,
                                   server->settings.cors_origins);
    if (!good) co_return refused(good.error());
    body_is_read = !has_body();
    if (asked.method == "OPTIONS" && asked.target == "*") {
        response answer;
        answer.status = 204;
        co_return answer.with("Allow", "GET, HEAD, POST, DELETE, OPTIONS");
    }
    const auto target = split_target(asked.target);
    if (!target) co_return refused(target.error());
    auto match = match_path(target->segments);
    if (!match) co_return refused(match.error());
    row = match->row;
    asked.to = row->to;
    asked.segments = std::move(match->segments);
    if (auto told = answer_method()) co_return std::move(*told);
    const auto admitted = co_await server->door.admit(asked, rule_for(*row, asked.method));
    if (!admitted) co_return refused(admitted.error());
    auto query = parse_query(target->query, row->query);
    if (!query) co_return refused(query.error());
    asked.query = std::move(*query);
    if (auto early = refuse_early()) co_return std::move(*early);
    const auto charged = co_await server->door.charge(asked, image_bytes());
    if (!charged) co_return refused(charged.error());
    if (auto failed = co_await read_body()) co_return refused(*failed);
    body_is_read = true;
    deadline = boot_time::max();  // the handler has times of its own
    try {
        auto answer = co_await server->handle(asked);
        const auto admitted_still = co_await server->door.still(asked);
        if (!admitted_still) co_return refused(admitted_still.error());
        co_return answer;
    } catch (const std::exception& thrown) {
        log::error("handler_threw", {{"what", thrown.what()}, {"trace_id", asked.trace_id}});
    }
    co_return refused({errc::internal, {}});
}

asio::awaitable<std::optional<error>> session::read_body() {
    if (!has_body()) co_return std::nullopt;
    error_code bad;
    if (same_text(asked.header("expect"), "100-continue")) {
        allow(server->settings.write_time);
        if (!co_await write_raw(continue_line, {})) {
            co_return error{errc::request_timeout, "the connection is broken"};
        }
    }
    allow(server->settings.body_time +
          milliseconds(1'000 * reserved / std::max<std::size_t>(1, server->settings.body_rate)));
    co_await http::async_read(stream, buffer, *reading,
                              asio::redirect_error(asio::use_awaitable, bad));
    if (timed_out) {
        timed_out = false;
        co_return error{errc::request_timeout, "the body came too slowly"};
    }
    if (bad == http::error::body_limit) co_return error{errc::too_large, "the body is too large"};
    if (bad) co_return error{errc::malformed, "the body cannot be read"};
    asked.body = std::move(reading->get().body());
    co_return std::nullopt;
}

// ---- writing ------------------------------------------------------------------------------------

asio::awaitable<bool> session::write_raw(std::string_view head, std::string_view body) {
    const std::array<asio::const_buffer, 2> both{asio::buffer(head.data(), head.size()),
                                                 asio::buffer(body.data(), body.size())};
    error_code bad;
    co_await asio::async_write(stream, both, asio::redirect_error(asio::use_awaitable, bad));
    co_return !bad;
}

asio::awaitable<bool> session::send(response answer, bool close) {
    for (auto& [name, value] : asked.answer_fields) answer.with(name, value);
    const bool head_only = asked.method == "HEAD";
    const bool bodiless = answer.status == 204 || answer.status == 304;
    const auto origin = asked.header("origin");
    const auto& friends = server->settings.cors_origins;
    if (!origin.empty() && std::find(friends.begin(), friends.end(), origin) != friends.end()) {
        answer.with("Access-Control-Allow-Origin", std::string(origin)).with("Vary", "Origin");
        if (asked.method == "OPTIONS") {
            answer.with("Access-Control-Allow-Methods", "GET, POST, DELETE");
            answer.with("Access-Control-Allow-Headers",
                        "Authorization, X-Api-Key, Content-Type, Prefer, Idempotency-Key, "
                        "If-None-Match");
        }
    }
    allow(server->settings.write_time);
    if (!answer.stream || head_only) {
        std::optional<std::size_t> length;
        if (!bodiless && !answer.stream) length = answer.body.size();
        const auto head = head_of(answer, length, false, close);
        const bool with_body = !head_only && !bodiless;
        co_return co_await write_raw(head, with_body ? answer.body : std::string_view{});
    }
    chunked_answer = reading && reading->get().version() == 11;
    if (!co_await write_raw(head_of(answer, {}, chunked_answer, close || !chunked_answer), {})) {
        co_return false;
    }
    deadline = boot_time::max();
    co_await answer.stream(*this);
    if (timed_out) co_return false;
    allow(server->settings.write_time);
    co_return chunked_answer&& co_await write_raw(last_chunk, {});
}

asio::awaitable<bool> session::write(std::string bytes) {
    if (bytes.empty()) co_return true;
    const auto admitted = co_await server->door.still(asked);
    if (!admitted) co_return false;
    allow(server->settings.write_time);
    std::string framed = std::move(bytes);
    if (chunked_answer) framed = chunk_of(framed);
    const bool good = co_await write_raw(framed, {});
    deadline = boot_time::max();
    co_return good;
}

/// Says that nothing more comes and reads what the client still sends, so that it gets to see the
/// answer: closing with unread bytes would reset the connection.
asio::awaitable<void> session::linger() {
    error_code bad;
    allow(server->settings.linger_time);
    co_await stream.finish();
    std::array<char, 16 * limits::kib> sink;
    std::size_t taken = 0;
    while (!bad && taken < linger_bytes_max) {
        taken += co_await socket.async_read_some(asio::buffer(sink),
                                                 asio::redirect_error(asio::use_awaitable, bad));
    }
}

}  // namespace vultus::api
