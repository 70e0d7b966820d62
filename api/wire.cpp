// See wire.hpp.
#include "api/wire.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "shared/require.hpp"

namespace vultus::api {
namespace {

// Labels are only ever shown as text; these hold even where a page forgets.
constexpr std::string_view security_fields =
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'self'; img-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n";

/// RFC 9110, section 15: the statuses that this service gives.
std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 421:
            return "Misdirected Request";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 503:
            return "Service Unavailable";
        default:
            return "Internal Server Error";
    }
}

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 40> text{};
    const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
}

}  // namespace

std::string head_of(const response& answer, std::optional<std::size_t> length, bool chunked,
                    bool close) {
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    head += reason_of(answer.status);
    head += "\r\nDate: " + http_date() + "\r\n";
    for (const auto& [name, value] : answer.fields) {
        head += name + ": ";
        for (const char c : value) {
            const auto byte = static_cast<unsigned char>(c);
            head.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
        }
        head += "\r\n";
    }
    head += security_fields;
    if (length) head += "Content-Length: " + std::to_string(*length) + "\r\n";
    if (chunked) head += "Transfer-Encoding: chunked\r\n";
    head += close ? "Connection: close\r\n\r\n" : "\r\n";
    return head;
}

std::string chunk_of(std::string_view bytes) {
    VULTUS_REQUIRE(!bytes.empty(), "an empty chunk ends the body");
    std::array<char, 20> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    std::string chunk(size.data());
    return chunk.append(bytes).append("\r\n");
}

}  // namespace vultus::api
