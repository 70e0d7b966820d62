// The detector's input: the picture and ever smaller ones of it, 5/6 a level, laid on one canvas,
// so that one pass finds faces of all sizes. Pixel for pixel what dlib makes (pyramid_down<6>), for
// its network was trained on that. Pure.
#pragma once

#include <span>
#include <vector>

#include "workers/engine/layers.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// Where the levels lie on the canvas; all four edges belong to a box.
struct pyramid_layout {
    long rows = 0;  ///< of the canvas, pixels
    long columns = 0;
    std::vector<box> levels;  ///< the picture itself first
};

/// Lays out a picture of that size: levels one below the other, then back up on the right.
/// requires  rows, columns >= 1; paddings >= 0, between the levels and around them, pixels
/// returns   a canvas that holds every level. A level that would not lie on it whole ends the
///           pyramid: dlib's own layout writes outside its memory there (pictures narrower than
///           `padding`)
pyramid_layout pyramid_of(long rows, long columns, long padding, long outer_padding);

/// Draws the levels: three planes of the canvas as `input` says, zero between the levels.
/// requires  canvas.size() == 3 * layout.rows * layout.columns; the layout of that picture
void draw_pyramid(const image& picture, const pyramid_layout& layout, const input_format& input,
                  std::span<float> canvas);

/// Pixels, with parts of one.
struct place {
    double x = 0;
    double y = 0;
};

/// A rectangle with parts of pixels.
struct area {
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;
};

/// From the canvas to the picture: by the level in which the middle lies, or the nearest one.
area on_picture(const pyramid_layout& layout, area on_canvas);

}  // namespace vultus
