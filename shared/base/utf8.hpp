// UTF-8 as it must be: no overlong forms, no surrogates, at most U+10FFFF. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace vultus {

/// Takes the first character off the text. Nothing, and the text as it was, if it is empty or does
/// not begin with a valid one.
std::optional<char32_t> take_character(std::string_view& text) noexcept;

/// True if the whole text is valid. An empty one is.
bool is_utf8(std::string_view text) noexcept;

}  // namespace vultus
