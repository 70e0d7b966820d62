// See http_server.hpp. Beast parses requests; answers are written by hand, one write at a time. Each
// session has one deadline that its timer looks at, because a beast::tcp_stream that times out closes
// the socket before a 408 could be sent.
#include "api/http_server.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <ctime>
#include <optional>
#include <unordered_set>

#include "api/fields.hpp"
#include "api/problem.hpp"
#include "api/query.hpp"
#include "shared/clock.hpp"
#include "shared/ids.hpp"
#include "shared/limits.hpp"
#include "shared/log.hpp"

namespace vultus::api {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using parser = http::request_parser<http::string_body>;
using std::chrono::milliseconds;

constexpr std::size_t read_buffer_bytes = 128 * limits::kib;
constexpr std::size_t ignored_body_bytes = 64 * limits::kib;  // of a route that takes none
constexpr std::size_t linger_bytes_max = 64 * limits::mib;
constexpr std::size_t refused_max = 64;  // connections over the limit that are told so at once
constexpr milliseconds accept_pause{100};

// Labels are only ever shown as text; these hold even where a page forgets.
constexpr std::string_view security_fields =
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n";

std::string_view reason_of(int status) {
    const auto text = http::obsolete_reason(static_cast<http::status>(status));
    return {text.data(), text.size()};
}

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 40> text{};
    const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
}

/// Status line and fields. `length`: nothing for a chunked or bodiless answer.
std::string head_of(const response& answer, std::optional<std::size_t> length, bool chunked,
                    bool close) {
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    head += reason_of(answer.status);
    head += "\r\nDate: " + http_date() + "\r\n";
    for (const auto& [name, value] : answer.fields) {
        head += name + ": ";
        for (const char c : value) head.push_back(c == '\r' || c == '\n' ? ' ' : c);
        head += "\r\n";
    }
    head += security_fields;
    if (length) head += "Content-Length: " + std::to_string(*length) + "\r\n";
    if (chunked) head += "Transfer-Encoding: chunked\r\n";
    head += close ? "Connection: close\r\n\r\n" : "\r\n";
    return head;
}

std::string hex(std::size_t value) {
    std::array<char, 17> text{};
    const int size = std::snprintf(text.data(), text.size(), "%zx", value);
    return {text.data(), static_cast<std::size_t>(size)};
}

bool is_photo_type(std::string_view type) {
    return type == "multipart/form-data" || type == "application/json" ||
           type == "application/octet-stream" || type.substr(0, 6) == "image/";
}

}  // namespace

struct session;

struct server_state : std::enable_shared_from_this<server_state> {
    server_state(asio::io_context& loop, server_settings wanted, http_server::handler on_request,
                 http_server::early_check on_header, http_server::retry_hint hint, metrics& numbers)
        : io(loop), settings(std::move(wanted)), handle(std::move(on_request)),
          check(std::move(on_header)), retry_after(std::move(hint)), measured(numbers),
          acceptor(loop), pause(loop), emptied(loop) {}

    asio::awaitable<void> accept_all();

    asio::io_context& io;
    server_settings settings;
    http_server::handler handle;
    http_server::early_check check;
    http_server::retry_hint retry_after;
    metrics& measured;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    asio::steady_timer emptied;  ///< cancelled when the last session ends
    std::unordered_set<session*> sessions;
    std::size_t refused = 0;
    std::size_t body_bytes = 0;
    bool draining = false;
};

/// One connection.
struct session : response_sink, std::enable_shared_from_this<session> {
    session(std::shared_ptr<server_state> owner, tcp::socket connection)
        : server(std::move(owner)), socket(std::move(connection)), timer(server->io),
          buffer(read_buffer_bytes) {
        server->sessions.insert(this);
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        local_address = socket.local_endpoint(ignored).address().to_string();
    }
    ~session() override {
        release();
        server->sessions.erase(this);
        if (server->sessions.empty()) server->emptied.cancel();
    }

    void release() {
        server->body_bytes -= reserved;
        reserved = 0;
    }

    // The deadline of what is being done now. The timer fires now and then and compares.
    void allow(milliseconds time) { deadline = boot_now() + time; }
    void watch() {
        const auto left = std::clamp(deadline - boot_now(), milliseconds(1), milliseconds(1'000));
        timer.expires_after(left);
        timer.async_wait([weak = weak_from_this()](error_code bad) {
            const auto self = weak.lock();
            if (bad || !self) return;
            if (boot_now() >= self->deadline) {
                self->timed_out = true;
                error_code ignored;
                self->socket.cancel(ignored);
            }
            self->watch();
        });
    }

    asio::awaitable<void> run();
    asio::awaitable<bool> read_header();
    asio::awaitable<bool> one_request();
    asio::awaitable<std::optional<error>> read_body(const route_row& row);
    asio::awaitable<response> answer_of(bool& body_is_read);
    asio::awaitable<bool> send(response answer, bool close);
    asio::awaitable<bool> write(std::string bytes) override;
    asio::awaitable<bool> write_raw(std::string_view head, std::string_view body);
    asio::awaitable<void> linger();

    std::optional<response> refuse_early(const route_match& match);
    std::optional<error> check_fields();
    response refused(const error& why);
    void fill_request();
    bool has_body() const {
        return reading->chunked() || reading->content_length().value_or(0) > 0;
    }

    std::shared_ptr<server_state> server;
    tcp::socket socket;
    asio::steady_timer timer;
    boost::beast::flat_buffer buffer;
    std::string local_address;
    std::optional<parser> reading;
    request asked;
    const route_row* row = nullptr;
    boot_time deadline{0};
    std::size_t reserved = 0;
    bool timed_out = false;
    bool idle = false;
    bool chunked_answer = false;
};

// ---- accepting ----------------------------------------------------------------------------------

asio::awaitable<void> server_state::accept_all() {
    const auto self = shared_from_this();
    while (!draining) {
        error_code bad;
        const bool full = sessions.size() >= settings.connections_max;
        if (!full || refused < refused_max) {
            tcp::socket socket(io);
            co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, bad));
            if (draining || bad == asio::error::operation_aborted) co_return;
            if (!bad) {
                const auto made = std::make_shared<session>(self, std::move(socket));
                made->allow(settings.idle_time);
                made->watch();
                asio::co_spawn(io, [made]() { return made->run(); }, asio::detached);
                continue;
            }
            log::warning("accept_failed", {{"why", bad.message()}});
        }
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, bad));
    }
}

// ---- one connection -----------------------------------------------------------------------------

asio::awaitable<void> session::run() {
    const auto self = shared_from_this();
    if (server->sessions.size() > server->settings.connections_max) {
        ++server->refused;
        allow(server->settings.linger_time);
        asked.trace_id = random_hex32();
        auto full = refused({errc::queue_full, "too many connections"});
        co_await send(std::move(full), true);
        co_await linger();
        --server->refused;
    } else {
        while (!server->draining && co_await one_request()) {
        }
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
    const bool alive = body_is_read && reading->keep_alive() && !answer.close && !server->draining;
    const int status = answer.status;
    const bool sent = co_await send(std::move(answer), !alive);
    const std::string_view name = row == nullptr ? "none" : row->name;
    server->measured.count("vultus_http_requests_total",
                           {{"route", name}, {"status", std::to_string(status)}});
    server->measured.observe_ms("vultus_http_request_ms",
                                static_cast<double>((boot_now() - begun).count()),
                                {{"route", name}});
    if (sent && !alive) co_await linger();
    co_return sent && alive;
}

/// False when the connection is over: closed by the client, broken, or refused here.
asio::awaitable<bool> session::read_header() {
    error_code bad;
    if (buffer.size() == 0) {
        idle = true;
        allow(server->settings.idle_time);
        const auto size = co_await socket.async_read_some(
            buffer.prepare(4 * limits::kib), asio::redirect_error(asio::use_awaitable, bad));
        idle = false;
        if (bad) co_return false;
        buffer.commit(size);
    }
    reading.emplace();
    reading->header_limit(limits::header_bytes);
    reading->body_limit(boost::none);  // set when the route is known; nothing of a body is read yet
    allow(server->settings.header_time);
    co_await http::async_read_header(socket, buffer, *reading,
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

response session::refused(const error& why) {
    return problem(why, asked.trace_id, server->retry_after());
}

void session::fill_request() {
    const auto& message = reading->get();
    const auto text = [](auto view) { return std::string(view.data(), view.size()); };
    asked.method = text(message.method_string());
    asked.target = text(message.target());
    for (const auto& field : message) {
        asked.fields.emplace_back(text(field.name_string()), text(field.value()));
    }
    const auto trace = trace_id_of(asked.header("traceparent"));
    asked.trace_id = trace.empty() ? random_hex32() : trace;
    asked.traceparent = "00-" + asked.trace_id + "-" + random_hex32().substr(0, 16) + "-01";
}

/// What is wrong with the request's fields, whatever its address.
std::optional<error> session::check_fields() {
    const auto& message = reading->get();
    if (message.version() != 11 && message.version() != 10) {
        return error{errc::malformed, "this is not HTTP/1.1"};
    }
    const auto hosts = std::count_if(asked.fields.begin(), asked.fields.end(), [](auto& field) {
        return same_text(field.first, "host");
    });
    if (hosts > 1 || (hosts == 0 && message.version() == 11)) {
        return error{errc::malformed, "exactly one Host header is wanted"};
    }
    // The absolute form names the host itself, and that one counts (RFC 9112, 3.2.2).
    std::string host(asked.header("host"));
    if (asked.target.compare(0, 7, "http://") == 0) {
        const auto slash = asked.target.find('/', 7);
        host = asked.target.substr(7, slash == std::string::npos ? slash : slash - 7);
        asked.target = slash == std::string::npos ? "/" : asked.target.substr(slash);
    }
    if (hosts > 0 && !is_our_host(host, local_address, server->settings.allowed_hosts)) {
        return error{errc::misdirected, "add the name to api.allowed_hosts if it is this service"};
    }
    if (!asked.header("trailer").empty()) {
        return error{errc::malformed, "trailers are not taken"};
    }
    const auto coding = asked.header("transfer-encoding");
    if (!coding.empty() && !same_text(coding, "chunked")) {
        return error{errc::malformed, "the only transfer coding taken is chunked"};
    }
    const auto expect = asked.header("expect");
    if (!expect.empty() && !same_text(expect, "100-continue")) {
        return error{errc::malformed, "the only expectation taken is 100-continue"};
    }
    if ((asked.method == "POST" || asked.method == "DELETE") &&
        is_foreign(asked.header("origin"), asked.header("sec-fetch-site"), host,
                   server->settings.cors_origins)) {
        return error{errc::forbidden_origin, "a page of another site sent this"};
    }
    return {};
}

/// Everything that can be said about a request with a known address before its body is read.
std::optional<response> session::refuse_early(const route_match& match) {
    if (!allows(*match.row, asked.method)) {
        auto answer = refused({errc::method_not_allowed, "see the Allow header"});
        answer.with("Allow", allow_header(*match.row));
        return answer;
    }
    if (asked.method == "OPTIONS") {
        response answer;
        answer.status = 204;
        answer.with("Allow", allow_header(*match.row));
        return answer;
    }
    const bool photo = match.row->body == body_kind::photo;
    const auto type = parse_media_type(asked.header("content-type"));
    if (photo && !is_photo_type(type.type)) {
        return refused({errc::unsupported_media,
                        "send multipart/form-data, a picture, or application/json"});
    }
    const auto length = reading->content_length();
    if (photo && !length && !reading->chunked()) {
        return refused({errc::length_required, "send Content-Length or chunked coding"});
    }
    const auto most = !photo ? ignored_body_bytes
                      : type.type == "application/json" ? limits::json_bytes
                                                        : limits::body_bytes;
    if (length.value_or(0) > most) {
        return refused({errc::too_large,
                        "the body may have at most " + std::to_string(most) + " bytes"});
    }
    if (auto good = server->check(*match.row); !good) return refused(good.error());
    const auto bytes = reading->chunked() ? most : static_cast<std::size_t>(length.value_or(0));
    if (server->body_bytes + bytes > server->settings.inflight_body_bytes_max) {
        return refused({errc::queue_full, "too many bodies are being received"});
    }
    reserved = bytes;
    server->body_bytes += bytes;
    reading->body_limit(most);
    return {};
}

asio::awaitable<response> session::answer_of(bool& body_is_read) {
    fill_request();
    body_is_read = !has_body();
    const auto wrong = check_fields();
    if (wrong) co_return refused(*wrong);
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
    auto query = parse_query(target->query, row->query);
    if (!query && allows(*row, asked.method) && asked.method != "OPTIONS") {
        co_return refused(query.error());
    }
    if (query) asked.query = std::move(*query);
    if (auto early = refuse_early(*match)) co_return std::move(*early);
    if (auto failed = co_await read_body(*row)) co_return refused(*failed);
    body_is_read = true;
    deadline = boot_time::max();  // the handler has times of its own
    try {
        co_return co_await server->handle(asked);
    } catch (const std::exception& thrown) {
        log::error("handler_threw", {{"what", thrown.what()}, {"trace_id", asked.trace_id}});
    }
    co_return refused({errc::internal, {}});
}

asio::awaitable<std::optional<error>> session::read_body(const route_row& where) {
    if (!has_body()) co_return std::nullopt;
    error_code bad;
    if (same_text(asked.header("expect"), "100-continue")) {
        allow(server->settings.write_time);
        if (!co_await write_raw("HTTP/1.1 100 Continue\r\n\r\n", {})) {
            co_return error{errc::request_timeout, "the connection is broken"};
        }
    }
    allow(server->settings.body_time +
          milliseconds(1'000 * reserved / std::max<std::size_t>(1, server->settings.body_rate)));
    co_await http::async_read(socket, buffer, *reading,
                              asio::redirect_error(asio::use_awaitable, bad));
    if (timed_out) {
        timed_out = false;
        co_return error{errc::request_timeout, "the body came too slowly"};
    }
    if (bad == http::error::body_limit) co_return error{errc::too_large, "the body is too large"};
    if (bad) co_return error{errc::malformed, "the body cannot be read"};
    if (where.body == body_kind::photo) asked.body = std::move(reading->get().body());
    co_return std::nullopt;
}

// ---- writing ------------------------------------------------------------------------------------

asio::awaitable<bool> session::write_raw(std::string_view head, std::string_view body) {
    const std::array<asio::const_buffer, 2> both{asio::buffer(head.data(), head.size()),
                                                 asio::buffer(body.data(), body.size())};
    error_code bad;
    co_await asio::async_write(socket, both, asio::redirect_error(asio::use_awaitable, bad));
    co_return !bad;
}

asio::awaitable<bool> session::send(response answer, bool close) {
    const bool head_only = asked.method == "HEAD";
    const bool bodiless = answer.status == 204 || answer.status == 304;
    const auto origin = asked.header("origin");
    const auto& friends = server->settings.cors_origins;
    if (!origin.empty() && std::find(friends.begin(), friends.end(), origin) != friends.end()) {
        answer.with("Access-Control-Allow-Origin", std::string(origin)).with("Vary", "Origin");
        if (asked.method == "OPTIONS") {
            answer.with("Access-Control-Allow-Methods", "GET, POST, DELETE");
            answer.with("Access-Control-Allow-Headers",
                        "Content-Type, Prefer, Idempotency-Key, If-None-Match");
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
    co_return chunked_answer && co_await write_raw("0\r\n\r\n", {});
}

asio::awaitable<bool> session::write(std::string bytes) {
    if (bytes.empty()) co_return true;
    allow(server->settings.write_time);
    std::string framed = std::move(bytes);
    if (chunked_answer) framed = hex(framed.size()) + "\r\n" + framed + "\r\n";
    const bool good = co_await write_raw(framed, {});
    deadline = boot_time::max();
    co_return good;
}

/// Says that nothing more comes and reads what the client still sends, so that it gets to see the
/// answer: closing with unread bytes would reset the connection.
asio::awaitable<void> session::linger() {
    error_code bad;
    socket.shutdown(tcp::socket::shutdown_send, bad);
    allow(server->settings.linger_time);
    std::array<char, 16 * limits::kib> sink;
    std::size_t taken = 0;
    while (!bad && taken < linger_bytes_max) {
        taken += co_await socket.async_read_some(asio::buffer(sink),
                                                 asio::redirect_error(asio::use_awaitable, bad));
    }
}

// ---- the server ---------------------------------------------------------------------------------

http_server::http_server(asio::io_context& io, server_settings settings, handler handle,
                         early_check check, retry_hint retry_after, metrics& measured)
    : state_(std::make_shared<server_state>(io, std::move(settings), std::move(handle),
                                            std::move(check), std::move(retry_after), measured)) {}

http_server::~http_server() {
    state_->draining = true;
    error_code ignored;
    state_->acceptor.close(ignored);
    for (auto* one : state_->sessions) one->socket.close(ignored);
}

result<void> http_server::listen() {
    error_code bad;
    const auto name = state_->settings.bind == "localhost" ? "127.0.0.1" : state_->settings.bind;
    const auto address = asio::ip::make_address(name, bad);
    if (bad) return fail(errc::malformed, "api.bind is not an address");
    const tcp::endpoint endpoint(address, static_cast<unsigned short>(state_->settings.port));
    auto& acceptor = state_->acceptor;
    acceptor.open(endpoint.protocol(), bad);
    if (!bad) acceptor.set_option(tcp::acceptor::reuse_address(true), bad);
    if (!bad) acceptor.bind(endpoint, bad);
    if (!bad) acceptor.listen(asio::socket_base::max_listen_connections, bad);
    if (bad) return fail(errc::store_unavailable, "the api's port cannot be opened");
    asio::co_spawn(state_->io, [self = state_]() { return self->accept_all(); }, asio::detached);
    return {};
}

int http_server::port() const noexcept {
    error_code ignored;
    return state_->acceptor.local_endpoint(ignored).port();
}

std::size_t http_server::sessions() const noexcept { return state_->sessions.size(); }

asio::awaitable<void> http_server::drain(milliseconds patience) {
    const auto self = state_;
    error_code ignored;
    self->acceptor.close(ignored);
    self->draining = true;
    self->pause.cancel();
    for (auto* one : self->sessions) {
        if (one->idle) one->socket.cancel(ignored);
    }
    if (!self->sessions.empty()) {
        self->emptied.expires_after(patience);
        co_await self->emptied.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    for (auto* one : self->sessions) one->socket.close(ignored);
}

}  // namespace vultus::api
