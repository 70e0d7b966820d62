// A table for a terminal, and the pure function that prints it.
#pragma once

#include <string>
#include <vector>

namespace vultus::ctl {

enum class side { left, right };

struct column {
    std::string title;
    side align = side::left;
};

/// A row may be shorter than the header (the rest is empty), never longer.
struct table {
    std::vector<column> header;
    std::vector<std::vector<std::string>> rows;
};

/// The table as lines with a newline each, columns two spaces apart, without trailing spaces. Cells
/// pass through visible(). Without rows: the header and a line "(none)".
/// requires  no row longer than the header
std::string print(const table& what);

}  // namespace vultus::ctl
