// Texts and numbers for a terminal. Pure. Used by the tables of reports.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace vultus::ctl {

/// The text made safe for a terminal: control characters, bidirectional formatting and bytes that
/// are not UTF-8 become \xNN or \u{N}, so that stored text cannot move the cursor.
std::string visible(std::string_view text);

/// The number of columns of visible() text: wide characters (CJK, emoji) count 2, combining marks
/// 0.
/// source    the blocks of East Asian Width W and F in Unicode 15, approximately
std::size_t width(std::string_view text);

/// "850 ms", "12.3 s", "4 min", "3 h", "2 d": two or three digits.
std::string about(std::chrono::milliseconds span);

/// "512 B", "1.5 KiB", "2.0 GiB".
std::string bytes(std::uint64_t count);

}  // namespace vultus::ctl
