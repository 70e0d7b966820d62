// See label.hpp.
#include "shared/model/label.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/model/job.hpp"

namespace vultus {
namespace {

using characters = std::vector<char32_t>;

bool is_between(char32_t c, char32_t first, char32_t last) {
    return c >= first && c <= last;
}

bool is_joiner(char32_t c) {
    return c == 0x200C || c == 0x200D;
}
bool is_variation_selector(char32_t c) {
    return is_between(c, 0xFE00, 0xFE0F) || is_between(c, 0xE0100, 0xE01EF);
}
bool is_tag(char32_t c) {
    return is_between(c, 0xE0020, 0xE007F);
}

/// White_Space of Unicode, line breaks and tabs included.
bool is_white_space(char32_t c) {
    return is_between(c, 0x09, 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           is_between(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

/// Invisible at any position. Control and direction characters are not among them: check_label()
/// refuses those.
bool never_shows(char32_t c) {
    return c == 0xAD || c == 0x034F || c == 0x17B4 || c == 0x17B5 || c == 0x180E || c == 0x200B ||
           is_between(c, 0x2060, 0x2064) || is_between(c, 0x206A, 0x206F) || c == 0xFEFF ||
           c == 0xFFF0 || is_between(c, 0xFFF9, 0xFFFB) || is_between(c, 0x1BCA0, 0x1BCA3) ||
           is_between(c, 0x1D173, 0x1D17A) || c == 0xE0001;
}

/// Letters and symbols that are drawn as nothing or as a blank; inside a name they may have a
/// meaning.
bool is_filler(char32_t c) {
    constexpr std::array<char32_t, 6> fillers{0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0, 0x1D159};
    return std::find(fillers.begin(), fillers.end(), c) != fillers.end();
}

bool is_trimmed(char32_t c) {
    return is_white_space(c) || never_shows(c) || is_joiner(c) || is_filler(c);
}

bool is_visible(char32_t c) {
    if (is_trimmed(c) || is_variation_selector(c) || is_tag(c)) return false;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_ME:
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return false;
        default:
            return true;
    }
}

/// Whether `c` after `before` (0: at the start) changes what is visible. Scripts without joining
/// letters do not use joiners and variation selectors; tags after a black flag select a flag.
bool shows_behind(char32_t before, char32_t c) {
    constexpr char32_t first_joining_script = 0x0590, first_symbol = 0x2000, black_flag = 0x1F3F4;
    if (never_shows(c)) return false;
    if (is_joiner(c)) return before >= first_joining_script && !is_joiner(before);
    if (is_variation_selector(c)) return before >= first_symbol && !is_variation_selector(before);
    if (is_tag(c)) return before == black_flag || is_tag(before);
    return true;
}

/// requires  valid UTF-8
characters decoded(std::string_view text) {
    characters all;
    while (const auto one = take_character(text)) all.push_back(*one);
    VULTUS_REQUIRE(text.empty(), "the text is valid UTF-8");
    return all;
}

std::string encoded(const characters& all) {
    std::string text;
    for (const char32_t c : all) {
        utf8proc_uint8_t bytes[4];
        const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes);
        text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
    }
    return text;
}

characters shown(const characters& all) {
    const auto begin = std::find_if_not(all.begin(), all.end(), is_trimmed);
    const auto end = std::find_if_not(all.rbegin(), all.rend(), is_trimmed).base();
    characters kept;
    if (begin >= end) return kept;
    for (auto at = begin; at != end; ++at) {
        const char32_t before = kept.empty() ? 0 : kept.back();
        // Control characters among them stay for check_label(), which refuses them.
        const bool blank =
            is_white_space(*at) && *at >= 0x20 && *at != 0x85 && *at != 0x2028 && *at != 0x2029;
        if (blank && before == U' ') continue;
        if (shows_behind(before, *at)) kept.push_back(blank ? U' ' : *at);
    }
    return kept;
}

bool is_word(char32_t c) {
    const auto kind = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    return is_between(static_cast<char32_t>(kind), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO) ||
           is_between(static_cast<char32_t>(kind), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

/// One byte of the index of names separates a name from its key.
std::string name_without_controls(std::string_view text) {
    std::string kept(text);
    std::erase_if(kept, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    return kept.find_first_not_of(' ') == kept.npos ? std::string() : kept;
}

}  // namespace

std::string composed(std::string_view text) {
    utf8proc_uint8_t* made = nullptr;
    const auto length =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(text.size()), &made,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (length < 0) return std::string(text);
    const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(made, std::free);
    return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(length)};
}

result<std::string> normal_label(std::string_view text) {
    if (text.empty()) return fail(errc::bad_label, "The name is empty");
    if (text.size() > 4 * limits::label_bytes) {
        return fail(errc::bad_label, "The name is longer than 200 bytes of UTF-8");
    }
    if (!is_utf8(text)) return fail(errc::bad_label, "The name is not valid UTF-8");
    // A removed character may have separated a letter from its mark; a composed one may be blank.
    std::string label(text), before;
    for (int turn = 0; label != before && turn < 4; ++turn) {
        before = std::move(label);
        label = composed(encoded(shown(decoded(before))));
    }
    const auto characters = decoded(label);
    if (std::none_of(characters.begin(), characters.end(), is_visible)) {
        if (auto good = check_label(text); !good && label.empty()) return fail(good.error());
        return fail(errc::bad_label, "The name has no visible character");
    }
    if (auto good = check_label(label); !good) return fail(good.error());
    return label;
}

std::string folded_name(std::string_view name) {
    utf8proc_uint8_t* made = nullptr;
    const auto length = utf8proc_map(
        reinterpret_cast<const utf8proc_uint8_t*>(name.data()),
        static_cast<utf8proc_ssize_t>(name.size()), &made,
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                       UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE));
    const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(made, std::free);
    const std::string_view folded(length > 0 ? reinterpret_cast<const char*>(made) : name.data(),
                                  length > 0 ? static_cast<std::size_t>(length) : name.size());
    characters words;
    for (std::string_view rest = folded; const auto one = take_character(rest);) {
        if (is_word(*one)) {
            words.push_back(*one);
        } else if (!words.empty() && words.back() != U' ') {
            words.push_back(U' ');
        }
    }
    while (!words.empty() && words.back() == U' ') words.pop_back();
    auto text = words.empty() ? name_without_controls(folded) : encoded(words);
    if (text.size() <= limits::label_bytes) return text;
    text.resize(limits::label_bytes);
    while (!is_utf8(text)) text.pop_back();
    return text;
}

bool is_old_label(std::string_view stored) {
    const auto normal = normal_label(stored);
    return !normal || *normal != stored;
}

}  // namespace vultus
