// See fetch_messages.hpp.
#include "shared/fetch/fetch_messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace vultus {
namespace {

constexpr std::size_t order_lines = 8;

std::string one_line(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') c = ' ';
    }
    return text.substr(0, fetch_message_bytes / 2);
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
    const auto* last = text.data() + text.size();
    const auto [end, bad] = std::from_chars(text.data(), last, into);
    return !text.empty() && bad == std::errc{} && end == last;
}

}  // namespace

std::string text_of(const fetch_order& order) {
    const std::array<std::string, order_lines> lines{
        order.url.tls ? "https" : "http",   order.url.host,
        std::to_string(order.url.port),     order.url.target,
        order.inside ? "inside" : "open",   std::to_string(order.bytes_max),
        std::to_string(order.time.count()), order.authorities};
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return text;
}

bool is_whole_order(std::string_view text) noexcept {
    return std::count(text.begin(), text.end(), '\n') >= std::ptrdiff_t{order_lines};
}

result<fetch_order> parse_fetch_order(std::string_view text) {
    std::array<std::string_view, order_lines> lines;
    for (auto& line : lines) {
        const auto end = text.find('\n');
        if (end == text.npos) return fail(errc::malformed, "Order of a fetch ends early");
        line = text.substr(0, end);
        text.remove_prefix(end + 1);
    }
    fetch_order order;
    std::int64_t time = 0;
    order.url.tls = lines[0] == "https";
    order.url.host = lines[1];
    order.url.target = lines[3];
    order.inside = lines[4] == "inside";
    order.authorities = lines[7];
    if (!read_number(lines[2], order.url.port) || !read_number(lines[5], order.bytes_max) ||
        !read_number(lines[6], time) || !text.empty()) {
        return fail(errc::malformed, "Order of a fetch cannot be read");
    }
    order.time = std::chrono::milliseconds(time);
    return order;
}

std::string text_of(const fetch_answer& answer) {
    if (answer.why) {
        return "failed " + std::string(name_of(answer.why->code)) + ' ' +
               one_line(answer.why->detail) + '\n';
    }
    if (!answer.redirect.empty()) return "redirect " + one_line(answer.redirect) + '\n';
    return "photo " + std::to_string(answer.bytes) + '\n';
}

result<fetch_answer> parse_fetch_answer(std::string_view line) {
    fetch_answer answer;
    const auto space = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, space);
    const auto rest = line.substr(std::min(space + 1, line.size()));
    if (word == "photo" && read_number(rest, answer.bytes)) return answer;
    if (word == "redirect" && !rest.empty()) {
        answer.redirect = rest;
        return answer;
    }
    const auto end = std::min(rest.find(' '), rest.size());
    const auto code = errc_named(rest.substr(0, end));
    // The process may have been taken over: it may claim these and no other codes.
    const bool known = code == errc::fetch_failed || code == errc::url_refused ||
                       code == errc::too_large || code == errc::internal;
    if (word != "failed" || !known) return fail(errc::malformed, "Answer of a fetch is unknown");
    answer.why = error{*code, std::string(rest.substr(std::min(end + 1, rest.size())))};
    return answer;
}

}  // namespace vultus
