// How a photo is looked at by a network that sees faces of 20 px and more, however large they are:
// at the one scale that makes the smallest face wanted 20 px, in one piece if that is small, else
// in tiles, so that memory does not grow with the photo. Pure.
#pragma once

#include <functional>
#include <vector>

#include "workers/engine/detector.hpp"
#include "workers/engine/faces/sighting.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// Pixels of the smallest face, the square root of its box's area, as the network sees it.
/// source    in group photos CenterFace finds 600 of 600 faces of 20 px and 580 of 16 px
///           (docs/benchmarks.md)
constexpr double seen_face_px = 20;

/// Side of the largest square picture that is seen in one piece, and the most pixels of a tile. It
/// bounds the network's memory.
constexpr std::uint32_t tile_side = 768;
constexpr std::uint32_t tile_pixels = tile_side * tile_side;
/// No picture of more pixels is cut into shorter or narrower tiles: most of them would be shared.
constexpr std::uint32_t tile_side_min = 288;
/// The network takes sides that are multiples of it, so a narrow picture costs as much as 32 px.
constexpr std::uint32_t canvas_step = 32;
constexpr std::uint32_t canvas_side(std::uint32_t side) {
    return (side + canvas_step - 1) / canvas_step * canvas_step;
}
/// Two neighbouring tiles share at least so much.
constexpr std::uint32_t tile_overlap = 96;
/// Nearer than this to a seam a face may be cut off, so the neighbour tells it.
constexpr std::uint32_t seam_px = 4;
/// So a face of at most that size is whole in a tile. A larger one may be cut by all; it is found
/// in the picture `coarser` times smaller, where it has more than seen_face_px.
constexpr std::uint32_t tile_face_px = tile_overlap - 2 * seam_px;
constexpr std::uint32_t coarser = 4;
static_assert(tile_face_px / coarser > seen_face_px);
/// A face in a tile of which so much lies in a surer one of a coarser picture is a part of it.
constexpr double part_share_min = 0.8;

/// The scale by min_face_px alone, unless the network would see more than limits::pixels: a photo
/// of that size at its own scale. So 20 px and more are kept in every photo. requires  a photo with
/// pixels; 10 <= min_face_px <= 2000
detection_scale search_scale(picture_size photo, int min_face_px);

struct search_tile {
    std::uint32_t x = 0;
    std::uint32_t y = 0;
    picture_size size;
    bool operator==(const search_tile&) const = default;
};

/// The picture at one scale and how it is cut up.
struct search_level {
    picture_size size;
    std::vector<search_tile> tiles;  ///< all of one size; one: the whole picture
};

/// The picture itself first, then smaller ones until one is seen in one piece.
/// requires  a picture with pixels
std::vector<search_level> search_levels(picture_size seen);

/// The faces of a tile or a small picture, in its pixels.
using see_faces = std::function<std::vector<sighting>(const image& piece)>;

/// The faces of a picture that has the size to be seen at, in its pixels, the surest first.
/// `turns`   also as if the picture were turned by each quarter; if_none: only if there are none
///           as it is. Faces found that way are given in the pixels of the picture as it is
std::vector<sighting> search_faces(const image& seen, turning turns, const see_faces& see);

}  // namespace vultus
