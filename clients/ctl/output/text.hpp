// Words and numbers as people read them on a terminal. Pure. Used by the tables of reports.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace vultus::ctl {

/// The text made harmless for a terminal: control characters, bidirectional formatting and bytes
/// that are not UTF-8 become \xNN or \u{N}. What a stranger stored cannot move the cursor.
std::string visible(std::string_view text);

/// Columns that visible() text takes: wide characters (CJK, emoji) count 2, combining marks 0.
/// source    the blocks of East Asian Width W and F in Unicode 15, coarsely
std::size_t width(std::string_view text);

/// "850 ms", "12.3 s", "4 min", "3 h", "2 d": two or three digits are enough to see what is slow.
std::string about(std::chrono::milliseconds span);

/// "512 B", "1.5 KiB", "2.0 GiB".
std::string bytes(std::uint64_t count);

}  // namespace vultus::ctl
