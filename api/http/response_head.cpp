// See response_head.hpp.
#include "api/http/response_head.hpp"

#include <array>
#include <boost/beast/http/status.hpp>
#include <cstdio>
#include <ctime>

#include "shared/base/require.hpp"

namespace vultus::api {

namespace http = boost::beast::http;

namespace {

// The page shows labels as text only; these fields limit the damage of a bug there.
constexpr std::string_view security_fields =
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'self'; img-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n";

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 40> text{};
    const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
}

}  // namespace

std::string_view reason_of(int status) noexcept {
    const auto phrase = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
    return {phrase.data(), phrase.size()};
}

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
    const bool upgrades = !find_header(answer.fields, "upgrade").empty();  // RFC 9110, 7.8
    if (upgrades) head += "Connection: Upgrade\r\n";
    if (close) head += "Connection: close\r\n";
    head += "\r\n";
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
