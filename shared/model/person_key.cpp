// See person_key.hpp.
#include "shared/model/person_key.hpp"

#include <algorithm>

#include "shared/base/limits.hpp"
#include "shared/base/utf8.hpp"

namespace vultus {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

bool is_control_byte(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

std::string_view name_of_key(std::string_view key) noexcept {
    return key.substr(0, key.find(key_separator));
}

std::string_view id_of_key(std::string_view key) noexcept {
    const auto at = key.find(key_separator);
    return at == key.npos ? std::string_view() : key.substr(at + 1);
}

std::string key_for(std::string_view name, std::string_view person_id) {
    std::string key(name);
    key += key_separator;
    key += person_id;
    return key;
}

result<void> check_person_id(std::string_view id) {
    const bool visible =
        std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (!visible || id.empty() || id.size() > limits::person_id_bytes) {
        return fail(errc::bad_option,
                    "person_id must be 1 to 128 visible ASCII characters without spaces");
    }
    return {};
}

result<void> check_external_id(std::string_view id) {
    if (id.empty() || id.size() > limits::external_id_bytes || !is_utf8(id) ||
        std::any_of(id.begin(), id.end(), is_control_byte)) {
        return fail(errc::bad_option,
                    "external_id must be 1 to 256 bytes of UTF-8 without control characters");
    }
    return {};
}

std::string person_placeholder(std::string_view key) {
    std::string text = "@";
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string key_in_placeholder(std::string_view text) {
    std::string key;
    if (text.size() < 3 || text.size() % 2 == 0 || text.front() != '@') return key;
    for (std::size_t i = 1; i + 1 < text.size(); i += 2) {
        const auto high = digits.find(text[i]), low = digits.find(text[i + 1]);
        if (high == digits.npos || low == digits.npos) return {};
        key += static_cast<char>(high * 16 + low);
    }
    return key;
}

}  // namespace vultus
