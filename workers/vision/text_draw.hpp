// One line of text in any script, as a picture of how much each pixel is covered. Pango, in
// text_draw.cpp only; the fonts are the machine's (config/packages.txt names three that hold all
// scripts of Unicode's basic plane).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace vultus {

struct text_picture {
    int width = 0, height = 0;
    std::vector<std::uint8_t> cover;  ///< width * height, row by row: 0 nothing, 255 all text
    int unknown_glyphs = 0;  ///< characters that no font of this machine has: drawn as boxes
};

/// requires  text is valid UTF-8 without control characters; height and width_max >= 1
/// returns   a line `height` pixels high from the highest letter to the lowest, at most width_max
///           wide: what is longer ends in an ellipsis. Empty for an empty text
/// threads   any; each has fonts of its own
text_picture draw_text(std::string_view text, int height, int width_max);

}  // namespace vultus
