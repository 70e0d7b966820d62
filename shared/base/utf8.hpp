// Valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF), and the characters that do not
// belong in a line of text. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace vultus {

/// Removes the first character from the text and returns it. Nothing, and the text unchanged, if it
/// is empty or does not begin with a valid character.
std::optional<char32_t> take_character(std::string_view& text) noexcept;

/// Whether the whole text is valid; an empty one is.
bool is_utf8(std::string_view text) noexcept;

/// C0, DEL and C1 controls and the line and paragraph separators: they break lines in logs and
/// tables.
bool is_control(char32_t c) noexcept;

/// The characters that change the direction of text (Unicode, UAX 9, table 4), by which one name
/// can be shown as another.
bool is_bidirectional_format(char32_t c) noexcept;

}  // namespace vultus
