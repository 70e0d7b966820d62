// See utf8.hpp.
#include "shared/base/utf8.hpp"

#include <cstddef>

namespace vultus {

std::optional<char32_t> take_character(std::string_view& text) noexcept {
    if (text.empty()) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) {
        text.remove_prefix(1);
        return first;
    }
    std::size_t length = 0;
    if (first >= 0xC2 && first <= 0xDF) length = 2;
    if (first >= 0xE0 && first <= 0xEF) length = 3;
    if (first >= 0xF0 && first <= 0xF4) length = 4;
    if (length == 0 || text.size() < length) return std::nullopt;
    unsigned lowest = 0x80;
    unsigned highest = 0xBF;
    if (first == 0xE0) lowest = 0xA0;
    if (first == 0xED) highest = 0x9F;
    if (first == 0xF0) lowest = 0x90;
    if (first == 0xF4) highest = 0x8F;
    if (byte(1) < lowest || byte(1) > highest) return std::nullopt;
    char32_t value = first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return std::nullopt;
        value = (value << 6U) | (byte(i) & 0x3FU);
    }
    text.remove_prefix(length);
    return value;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        if (!take_character(text)) return false;
    }
    return true;
}

bool is_control(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

bool is_bidirectional_format(char32_t c) noexcept {
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

}  // namespace vultus
