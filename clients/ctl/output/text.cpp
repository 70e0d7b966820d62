// See text.hpp. No locale decides what a person sees.
#include "clients/ctl/output/text.hpp"

#include <array>
#include <cstdio>

#include "shared/base/utf8.hpp"

namespace vultus::ctl {
namespace {

constexpr char32_t byte_order_mark = 0xfeff;

bool is_escaped(char32_t c) {
    return is_control(c) || is_bidirectional_format(c) || c == byte_order_mark;
}

bool combining(char32_t c) {
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x200b && c <= 0x200d) || (c >= 0x20d0 && c <= 0x20ff) ||
           (c >= 0xfe00 && c <= 0xfe0f);
}

bool wide(char32_t c) {
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0x303e) ||
           (c >= 0x3041 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
           (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) ||
           (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

template <class... Values>
std::string formatted(const char* pattern, Values... values) {
    std::array<char, 64> buffer{};
    const int n = std::snprintf(buffer.data(), buffer.size(), pattern, values...);
    return {buffer.data(), n < 0 ? 0 : static_cast<std::size_t>(n)};
}

}  // namespace

std::string visible(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        std::string_view rest = text;
        const auto character = take_character(rest);
        if (!character) {
            out += formatted("\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(text[0])));
            text.remove_prefix(1);
            continue;
        }
        if (is_escaped(*character)) {
            out += formatted(*character < 0x80 ? "\\x%02x" : "\\u{%x}",
                             static_cast<unsigned>(*character));
        } else {
            out += text.substr(0, text.size() - rest.size());
        }
        text = rest;
    }
    return out;
}

std::size_t width(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const auto character = take_character(text);
        if (!character) text.remove_prefix(1);
        const char32_t c = character.value_or('?');
        columns += combining(c) ? 0U : wide(c) ? 2U : 1U;
    }
    return columns;
}

std::string about(std::chrono::milliseconds span) {
    const auto ms = static_cast<long long>(span.count());
    if (ms < 1'000) return formatted("%lld ms", ms);
    if (ms < 60'000) return formatted("%.1f s", static_cast<double>(ms) / 1'000);
    if (ms < 3'600'000) return formatted("%lld min", ms / 60'000);
    if (ms < 86'400'000) return formatted("%lld h", ms / 3'600'000);
    return formatted("%lld d", ms / 86'400'000);
}

std::string bytes(std::uint64_t count) {
    constexpr std::array<const char*, 4> units{"KiB", "MiB", "GiB", "TiB"};
    if (count < 1'024) return std::to_string(count) + " B";
    double value = static_cast<double>(count) / 1'024;
    std::size_t unit = 0;
    while (value >= 1'024 && unit + 1 < units.size()) {
        value /= 1'024;
        ++unit;
    }
    return formatted("%.1f %s", value, units[unit]);
}

}  // namespace vultus::ctl
