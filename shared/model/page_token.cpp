// See page_token.hpp. Base64 with the URL-safe alphabet and without padding (RFC 4648, 5).
#include "shared/model/page_token.hpp"

namespace vultus {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t token_bytes = 512;

}  // namespace

std::string page_token(std::string_view cursor) {
    std::string token;
    unsigned bits = 0, held = 0;
    for (const char c : cursor) {
        bits = (bits << 8U | static_cast<unsigned char>(c)) & 0xFFFFU;
        for (held += 8; held >= 6; held -= 6) token.push_back(digits[bits >> (held - 6) & 63U]);
    }
    if (held > 0) token.push_back(digits[bits << (6 - held) & 63U]);
    return token;
}

result<std::string> cursor_in(std::string_view token) {
    std::string cursor;
    unsigned bits = 0, held = 0;
    for (const char c : token.substr(0, token_bytes)) {
        const auto value = digits.find(c);
        if (value == std::string_view::npos) return fail(errc::malformed, "no page token");
        bits = (bits << 6U | static_cast<unsigned>(value)) & 0xFFFFU;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        cursor.push_back(static_cast<char>(bits >> held & 255U));
    }
    if (cursor.empty() || page_token(cursor) != token)
        return fail(errc::malformed, "no page token");
    return cursor;
}

}  // namespace vultus
