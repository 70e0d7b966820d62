// See connection.hpp.
#include "api/http/connection.hpp"

#include <array>
#include <boost/asio/write.hpp>
#include <charconv>

#include "api/http/forwarded.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/problem.hpp"
#include "api/http/query.hpp"
#include "api/http/response_head.hpp"
#include "api/http/websocket.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/log.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t linger_bytes_max = 64 * limits::mib;

/// Joins several fields of that name into one: Beast reads only the first.
void join(message& of, http::field name) {
    if (of.count(name) < 2) return;
    std::string list;
    const auto [first, last] = of.equal_range(name);
    for (auto at = first; at != last; ++at) {
        if (!list.empty()) list += ", ";
        list.append(at->value().data(), at->value().size());
    }
    of.set(name, list);
}

}  // namespace

asio::awaitable<void> http_connection::run() {
    const auto self = shared_from_this();
    allow(in_reserve ? server->settings.reserve_time : server->settings.header_time);
    bool stays = co_await greet();
    while (stays && !server->draining) stays = co_await one_request();
    error_code ignored;
    timer.cancel();
    socket.close(ignored);
}

asio::awaitable<bool> http_connection::one_request() {
    release();
    asked = {};
    server->release_kept();
    row = nullptr;
    timed_out = false;
    if (!co_await read_header()) co_return false;
    enter(phase::busy);
    const auto begun = boot_now();
    bool body_is_read = false;
    auto answer = co_await answer_of(body_is_read);
    const bool stays = !answer.close && !in_reserve && !server->leaving && !server->draining;
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
    if (sent && !alive && !gone) co_await linger();
    co_return sent&& alive && !gone;
}

response http_connection::refused(const error& why) const {
    const int later = asked.retry_after > 0 ? asked.retry_after : server->retry_after();
    const surface of =
        row == nullptr ? surface_of(without_base(asked.target, server->settings.base_path).target)
                       : row->of;
    const auto& settings = server->settings;
    if (of != surface::native && settings.surfaces.has(of) && settings.refusal) {
        auto answer = settings.refusal(of, why, asked, later);
        answer.close =
            answer.close || why.code == errc::too_large || why.code == errc::request_timeout;
        return answer;
    }
    return problem(why, asked.trace_id, later);
}

void http_connection::fill_request() {
    auto& came = reading->get();
    for (const auto name : {http::field::connection, http::field::upgrade}) join(came, name);
    const auto text = [](auto view) { return std::string(view.data(), view.size()); };
    asked.method = text(came.method_string());
    // Bytes sent before the answer to the handshake are not part of the WebSocket.
    asked.upgrades = is_handshake(came) && buffer.size() == 0;
    asked.target = text(came.target());
    for (const auto& field : came) {
        asked.fields.emplace_back(text(field.name_string()), text(field.value()));
    }
    join_lists(asked.fields);
    auto seen = client_behind(asked.fields, remote_address, server->settings.trusted_proxies);
    asked.address = std::move(seen.address);
    asked.secure = seen.secure || stream.is_secure();
    asked.holder = counted_as(asked.address);
    count_as(asked.holder);
    const auto trace = trace_id_of(asked.header("traceparent"));
    asked.trace_id = trace.empty() ? random_hex32() : trace;
    asked.traceparent = "00-" + asked.trace_id + "-" + random_hex32().substr(0, 16) + "-01";
}

std::optional<std::uint64_t> http_connection::declared_length() const {
    const auto text = reading->get()[http::field::content_length];
    std::uint64_t length = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (bad != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return length;
}

framing http_connection::framing_of() const {
    framing body;
    body.version = static_cast<int>(reading->get().version());
    body.chunked = reading->chunked();
    body.length = declared_length();
    body.local_address = local_address;
    return body;
}

/// The answer to OPTIONS, and to a method that the route does not accept.
std::optional<response> http_connection::answer_method() const {
    response answer;
    if (!allows(*row, asked.method)) {
        answer = refused({errc::method_not_allowed, "Method not allowed: see the Allow header"});
    } else if (asked.method == "OPTIONS") {
        answer.status = 204;
    } else {
        return std::nullopt;
    }
    answer.with("Allow", allow_header(*row));
    return answer;
}

/// All checks of an admitted request before its body is read.
std::optional<response> http_connection::refuse_early() {
    const auto body = framing_of();
    const auto most = check_body(asked, body, *row);
    if (!most) return refused(most.error());
    if (auto good = server->check(*row); !good) return refused(good.error());
    reading->body_limit(*most);
    return {};
}

/// The rule when all connections are taken: health checks and requests with a key or login are
/// served; another request is served if a waiting connection can be closed for it.
std::optional<response> http_connection::refuse_place() {
    known = asked.key != nullptr;
    if (known) asked.holder = asked.client;
    if (!in_reserve) return {};
    const bool health = row->to == route::live || row->to == route::ready;
    const auto& settings = server->settings;
    const bool room =
        server->connections.size() - server->spare - server->closing < settings.connections_max ||
        (!health && server->make_room(this, milliseconds(0)));
    if (room) use_reserve(false);
    asked.hurried = in_reserve;
    if (room || health || known) return {};
    return refused({errc::queue_full, "Too many connections"});
}

/// The bytes of photos in the body that count for a quota.
std::optional<std::size_t> http_connection::image_bytes() const {
    if (row->body == body_kind::none) return 0;
    // Its key is inside the body: charged when it is known (access_control::admit_by_body()).
    if (row->of == surface::deepstack && asked.key == nullptr) return 0;
    if (reading->chunked()) return std::nullopt;
    return static_cast<std::size_t>(declared_length().value_or(0));
}

asio::awaitable<response> http_connection::answer_of(bool& body_is_read) {
    fill_request();
    body_is_read = false;  // the end of a malformed request is unknown
    const auto good = check_fields(asked, framing_of(), server->settings.allowed_hosts,
                                   server->settings.cors_origins);
    if (!good) co_return refused(good.error());
    body_is_read = !has_body();
    if (asked.method == "OPTIONS" && asked.target == "*") {
        response answer;
        answer.status = 204;
        co_return answer.with("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    }
    const std::string& base = server->settings.base_path;
    auto based = without_base(asked.target, base);
    if (based.at_root) {  // without the slash, relative addresses of the page lead elsewhere
        response answer;
        answer.status = 308;
        co_return answer.with("Location", base + "/" + asked.target.substr(base.size()));
    }
    const surface of = surface_of(based.target);
    const bool foreign = of != surface::native && server->settings.surfaces.has(of);
    if (foreign) {
        asked.target = without_last_slash(asked.target);
        based = without_base(asked.target, base);
    }
    const auto target = split_target(based.target);  // has views of asked.target
    if (!target) co_return refused(target.error());
    auto match = match_path(target->segments, server->settings.surfaces);
    if (!match) co_return refused(match.error());
    row = asked.row = match->row;
    asked.to = row->to;
    asked.segments = std::move(match->segments);
    if (auto answer = answer_method()) co_return std::move(*answer);
    const auto admitted = co_await server->authorizer.admit(asked, rule_for(*row, asked.method));
    if (!admitted) co_return refused(admitted.error());
    if (auto full = refuse_place()) co_return std::move(*full);
    auto query = parse_query(target->query, row->query);
    if (!query) co_return refused(query.error());
    asked.query = std::move(*query);
    if (auto early = refuse_early()) co_return std::move(*early);
    const auto charged = co_await server->authorizer.charge(asked, image_bytes());
    if (!charged) co_return refused(charged.error());
    if (auto failed = co_await read_body()) co_return refused(*failed);
    body_is_read = true;
    co_return co_await handle();
}

asio::awaitable<response> http_connection::handle() {
    deadline = boot_time::max();  // the handler has its own timeouts
    enter(phase::busy);
    try {
        auto answer = co_await server->handle(asked);
        const auto admitted_still = co_await server->authorizer.still(asked);
        if (!admitted_still) co_return refused(admitted_still.error());
        co_return answer;
    } catch (const std::exception& thrown) {
        log::error("handler_threw", {{"what", thrown.what()}, {"trace_id", asked.trace_id}});
    }
    co_return refused({errc::internal, {}});
}

// ---- writing ------------------------------------------------------------------------------------

asio::awaitable<bool> http_connection::write_raw(std::string_view head, std::string_view body) {
    const std::array<asio::const_buffer, 2> both{asio::buffer(head.data(), head.size()),
                                                 asio::buffer(body.data(), body.size())};
    error_code bad;
    co_await asio::async_write(stream, both, asio::redirect_error(asio::use_awaitable, bad));
    co_return !bad;
}

void http_connection::add_cors(response& answer) const {
    const auto origin = asked.header("origin");
    const auto& friends = server->settings.cors_origins;
    if (origin.empty() || std::find(friends.begin(), friends.end(), origin) == friends.end()) {
        return;
    }
    answer.with("Access-Control-Allow-Origin", std::string(origin)).with("Vary", "Origin");
    if (asked.method == "OPTIONS") {
        answer.with("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE");
        answer.with("Access-Control-Allow-Headers",
                    "Authorization, X-Api-Key, Content-Type, Prefer, Idempotency-Key, "
                    "If-None-Match, Last-Event-ID, traceparent");
        return;
    }
    // In addition to the fields that are always readable (Fetch, "CORS-safelisted").
    answer.with("Access-Control-Expose-Headers",
                "Allow, ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, "
                "Retry-After, WWW-Authenticate");
}

asio::awaitable<bool> http_connection::send(response answer, bool close) {
    for (auto& [name, value] : asked.answer_fields) answer.with(name, value);
    const bool head_only = asked.method == "HEAD";
    const bool bodiless = answer.status == 204 || answer.status == 304;
    add_cors(answer);
    enter(phase::writing);
    allow(gone ? server->settings.reserve_time : server->settings.write_time);
    if (!answer.stream || head_only) {
        std::optional<std::size_t> length;
        if (!bodiless && !answer.stream) length = answer.body.size();
        // An HTTP/1.0 client that asked for keep-alive needs it confirmed.
        const bool old = reading && reading->get().version() == 10;
        if (old && !close) answer.with("Connection", "keep-alive");
        const auto head = head_of(answer, length, false, close);
        const bool with_body = !head_only && !bodiless;
        co_return co_await write_raw(head, with_body ? answer.body : std::string_view{});
    }
    chunked_answer = reading && reading->get().version() == 11;
    if (!co_await write_raw(head_of(answer, {}, chunked_answer, close || !chunked_answer), {})) {
        co_return false;
    }
    deadline = boot_time::max();
    enter(phase::busy);
    co_await answer.stream(*this);
    if (timed_out) co_return false;
    allow(server->settings.write_time);
    co_return chunked_answer&& co_await write_raw(last_chunk, {});
}

asio::awaitable<bool> http_connection::write(std::string bytes) {
    if (bytes.empty()) co_return true;
    const auto admitted = co_await server->authorizer.still(asked);
    if (!admitted) co_return false;
    allow(server->settings.write_time);
    enter(phase::writing);
    std::string framed = std::move(bytes);
    if (chunked_answer) framed = chunk_of(framed);
    const bool good = co_await write_raw(framed, {});
    deadline = boot_time::max();
    enter(phase::busy);
    co_return good && !gone;
}

/// Shuts down sending and reads what the client still sends, so that the client receives the
/// answer: closing with unread bytes would reset the connection.
asio::awaitable<void> http_connection::linger() {
    error_code bad;
    allow(server->settings.linger_time);
    enter(phase::lingering);
    co_await stream.finish();
    std::array<char, 16 * limits::kib> sink;
    std::size_t taken = 0;
    while (!bad && !gone && taken < linger_bytes_max) {
        taken += co_await socket.async_read_some(asio::buffer(sink),
                                                 asio::redirect_error(asio::use_awaitable, bad));
    }
}

}  // namespace vultus::api
