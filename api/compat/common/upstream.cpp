// See upstream.hpp.
#include "api/compat/common/upstream.hpp"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/json_submission.hpp"
#include "shared/security/secret.hpp"

namespace vultus::api::compat {
namespace {

using boost::asio::ip::tcp;

/// One exchange; the timer ends whatever it waits for.
struct exchange {
    explicit exchange(asio::io_context& io) : names(io), socket(io), timer(io) {}
    tcp::resolver names;
    tcp::socket socket;
    asio::steady_timer timer;
    bool over = false;  ///< no time left
};

void limit(const std::shared_ptr<exchange>& one, std::chrono::milliseconds patience) {
    one->timer.expires_after(patience);
    one->timer.async_wait([held = std::weak_ptr(one)](const boost::system::error_code& bad) {
        const auto at = held.lock();
        if (bad || !at) return;
        at->over = true;
        boost::system::error_code ignored;
        at->names.cancel();
        at->socket.close(ignored);
    });
}

tl::unexpected<error> failed(std::string_view why) {
    return fail(errc::fetch_failed, "Upstream " + std::string(why));
}

}  // namespace

std::string form_without(const form& given, std::string_view fields, std::string& boundary) {
    boundary = "vultus" + random_hex(16);
    std::string text;
    const auto begin = [&](std::string_view name) {
        text += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"";
        for (const char c : name) {
            if (c != '"' && c != '\r' && c != '\n' && c != '\\') text += c;
        }
        text += '"';
    };
    for (const auto& [name, value] : given.fields) {
        if (has_word(fields, name)) continue;
        begin(name);
        text += "\r\n\r\n" + value + "\r\n";
    }
    for (const auto& part : given.files) {
        if (has_word(fields, part.name)) continue;
        begin(part.name);
        text += "; filename=\"photo\"\r\nContent-Type: application/octet-stream\r\n\r\n";
        text += part.body.view();
        text += "\r\n";
    }
    return text + "--" + boundary + "--\r\n";
}

result<upstream_answer> read_upstream(std::string_view sent) {
    const auto end = sent.find("\r\n\r\n");
    if (end == sent.npos) return failed("sent no answer");
    auto head = sent.substr(0, end);
    upstream_answer answer;
    const auto line = head.substr(0, head.find("\r\n"));
    const bool http = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ';
    const auto [last, bad] =
        std::from_chars(line.data() + (http ? 9 : 0), line.data() + (http ? 12 : 0), answer.status);
    if (!http || bad != std::errc{} || answer.status < 200 || answer.status > 599) {
        return failed("sent no HTTP answer");
    }
    if (answer.status < 400 && answer.status >= 300) return failed("sent a redirect");
    auto body = sent.substr(end + 4);
    bool json = false;
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    while (!head.empty()) {
        const auto stop = head.find("\r\n");
        const auto field = head.substr(0, stop);
        head = stop == head.npos ? std::string_view{} : head.substr(stop + 2);
        const auto colon = std::min(field.find(':'), field.size());
        const auto name = field.substr(0, colon);
        const auto value = trimmed(field.substr(std::min(colon + 1, field.size())));
        if (same_text(name, "transfer-encoding")) return failed("sent a coded body");
        if (same_text(name, "content-type")) json = is_json_type(parse_media_type(value).type);
        if (!same_text(name, "content-length")) continue;
        std::size_t length = 0;
        const auto read = std::from_chars(value.data(), value.data() + value.size(), length);
        if (read.ec != std::errc{} || length > body.size()) return failed("broke off");
        body = body.substr(0, length);
    }
    if (!json || !is_json(body)) return failed("sent no JSON");
    answer.body = body;
    return answer;
}

asio::awaitable<result<upstream_answer>> forward(asio::io_context& io, std::string url,
                                                 std::string path, std::string content_type,
                                                 shared_bytes body,
                                                 std::chrono::milliseconds patience) {
    const auto one = std::make_shared<exchange>(io);
    limit(one, patience);
    std::string host = url.substr(std::string_view("http://").size());
    const std::string authority = host;
    const auto colon = host.rfind(':');
    const std::string port = host.substr(colon + 1);
    host.resize(colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    boost::system::error_code bad;
    const auto found = co_await one->names.async_resolve(
        host, port, asio::redirect_error(asio::use_awaitable, bad));
    // A lookup in progress cannot be cancelled, and ends with success after the time.
    if (one->over) co_return failed("took too long");
    if (!bad) {
        co_await asio::async_connect(one->socket, found,
                                     asio::redirect_error(asio::use_awaitable, bad));
    }
    if (one->over) co_return failed("took too long");
    if (bad) co_return failed("cannot be reached");
    const std::string head =
        "POST " + path + " HTTP/1.0\r\nHost: " + authority + "\r\nContent-Type: " + content_type +
        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
    const std::array<asio::const_buffer, 2> both{asio::buffer(head),
                                                 asio::buffer(body.data(), body.size())};
    co_await asio::async_write(one->socket, both, asio::redirect_error(asio::use_awaitable, bad));
    std::string sent;
    std::array<char, 16 * limits::kib> piece;
    while (!bad && sent.size() <= upstream_answer_bytes) {
        const auto size = co_await one->socket.async_read_some(
            asio::buffer(piece), asio::redirect_error(asio::use_awaitable, bad));
        sent.append(piece.data(), size);
    }
    one->timer.cancel();
    if (one->over) co_return failed("took too long");
    if (sent.size() > upstream_answer_bytes) co_return failed("sent too much");
    co_return read_upstream(sent);
}

}  // namespace vultus::api::compat
