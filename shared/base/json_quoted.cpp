// See json_quoted.hpp.
#include "shared/base/json_quoted.hpp"

#include "shared/base/utf8.hpp"

namespace vultus {

std::string json_quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string quoted = "\"";
    while (!text.empty()) {
        std::string_view rest = text;
        const auto character = take_character(rest);
        if (!character) {
            quoted += "\\ufffd";
            text.remove_prefix(1);
            continue;
        }
        const char c = text.front();
        if (*character < 0x20 || *character == 0x7f) {
            quoted += "\\u00";
            quoted += {digits[*character >> 4U], digits[*character & 15U]};
        } else {
            if (c == '"' || c == '\\') quoted += '\\';
            quoted += text.substr(0, text.size() - rest.size());
        }
        text = rest;
    }
    return quoted + '"';
}

}  // namespace vultus
