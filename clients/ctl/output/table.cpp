// See table.hpp.
#include "clients/ctl/output/table.hpp"

#include <algorithm>

#include "clients/ctl/output/text.hpp"
#include "shared/base/require.hpp"

namespace vultus::ctl {
namespace {

using cells = std::vector<std::string>;

std::string line(const cells& row, const std::vector<column>& header,
                 const std::vector<std::size_t>& widths) {
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string gap(widths[i] - width(row[i]), ' ');
        if (i > 0) out += "  ";
        out += header[i].align == side::right ? gap + row[i] : row[i] + gap;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
}

}  // namespace

std::string print(const table& what) {
    cells titles;
    for (const column& c : what.header) titles.push_back(visible(c.title));
    std::vector<cells> lines{titles};
    for (const cells& row : what.rows) {
        VULTUS_REQUIRE(row.size() <= what.header.size(), "a row has no more cells than the header");
        cells shown;
        for (const std::string& cell : row) shown.push_back(visible(cell));
        lines.push_back(std::move(shown));
    }
    std::vector<std::size_t> widths(what.header.size(), 0);
    for (const cells& row : lines) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (const cells& row : lines) out += line(row, what.header, widths);
    if (what.rows.empty()) out += "(none)\n";
    return out;
}

}  // namespace vultus::ctl
