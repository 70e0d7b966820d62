// See search.hpp.
#include "workers/engine/faces/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

double pixels(picture_size size) {
    return double(size.width) * size.height;
}

std::uint32_t scaled(std::uint32_t side, double scale) {
    return static_cast<std::uint32_t>(std::max(1L, std::lround(side * scale)));
}

/// Where the tiles of one direction begin: evenly, each sharing tile_overlap or more with the next.
std::vector<std::uint32_t> starts(std::uint32_t side, std::uint32_t tile, std::uint32_t count) {
    if (count == 1) return {0};
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < count; ++i) {
        all.push_back(static_cast<std::uint32_t>(std::uint64_t{i} * (side - tile) / (count - 1)));
    }
    return all;
}

/// The side of so many tiles that share tile_overlap or more, a whole canvas if they are several.
std::uint32_t tile_of(std::uint32_t side, std::uint32_t count) {
    const std::uint32_t shared = (count - 1) * tile_overlap;
    return std::min(side, canvas_side((side + shared + count - 1) / count));
}

/// The fewest tiles of one direction that are at most so long.
std::uint32_t count_of(std::uint32_t side, std::uint32_t longest) {
    if (side <= longest) return 1;
    const std::uint32_t step = longest - tile_overlap;
    return (side - tile_overlap + step - 1) / step;
}

struct grid {
    std::uint32_t columns = 1;
    std::uint32_t rows = 1;
    picture_size tile;
};

/// The tiles that make the network compute the fewest pixels, each of tile_pixels at most.
grid best_grid(picture_size seen) {
    grid best;
    double least = std::numeric_limits<double>::infinity();
    const std::uint32_t most = count_of(seen.width, tile_side_min);
    for (std::uint32_t columns = 1; columns <= most; ++columns) {
        const std::uint32_t width = tile_of(seen.width, columns);
        const std::uint32_t longest = tile_pixels / canvas_side(width) / canvas_step * canvas_step;
        if (longest < std::min(tile_side_min, seen.height)) continue;
        const std::uint32_t rows = count_of(seen.height, longest);
        const std::uint32_t height = tile_of(seen.height, rows);
        const double computed = double(columns) * rows * canvas_side(width) * canvas_side(height);
        if (computed < least) {
            least = computed;
            best = {columns, rows, {width, height}};
        }
    }
    return best;
}

image piece_of(const image& picture, const search_tile& tile) {
    image piece(tile.size.width, tile.size.height);
    for (std::uint32_t row = 0; row < tile.size.height; ++row) {
        std::copy_n(picture.row(tile.y + row) + std::size_t{tile.x} * 3,
                    std::size_t{tile.size.width} * 3, piece.row(row));
    }
    return piece;
}

/// Whether a face of a tile is whole in it; if not, it is in a neighbour or in a coarser picture.
bool is_whole(const rectangle& where, const search_tile& tile, picture_size picture) {
    const std::uint32_t right = tile.size.width, bottom = tile.size.height;
    return (tile.x == 0 || where.left >= seam_px) && (tile.y == 0 || where.top >= seam_px) &&
           (tile.x + right == picture.width || where.right <= right - seam_px) &&
           (tile.y + bottom == picture.height || where.bottom <= bottom - seam_px);
}

/// From a place in a piece to the picture: times and then plus.
sighting moved(sighting one, double across, double down, double right, double lower) {
    one.where = {one.where.left * across + right, one.where.top * down + lower,
                 one.where.right * across + right, one.where.bottom * down + lower};
    for (point& at : one.points) {
        at = {static_cast<float>(at.x * across + right), static_cast<float>(at.y * down + lower)};
    }
    return one;
}

/// Whether it is what a tile sees of a larger face that a seam cuts.
bool is_part(const sighting& one, const std::vector<sighting>& of_coarser) {
    const double enough = part_share_min * one.where.width() * one.where.height();
    return std::any_of(of_coarser.begin(), of_coarser.end(), [&](const sighting& larger) {
        return larger.score >= one.score && shared_pixels(larger.where, one.where) > enough;
    });
}

std::vector<sighting> found_upright(const image& seen, const see_faces& see) {
    const picture_size whole{seen.width, seen.height};
    std::vector<search_level> levels = search_levels(whole);
    std::reverse(levels.begin(), levels.end());  // the coarsest first: it knows what is a part
    std::vector<sighting> all;
    for (const search_level& level : levels) {
        std::vector<sighting> found;
        std::optional<image> smaller;
        if (level.size != whole) smaller = resized(seen, level.size.width, level.size.height);
        const image& picture = smaller ? *smaller : seen;
        const double across = double(whole.width) / level.size.width;
        const double down = double(whole.height) / level.size.height;
        const bool in_one = level.tiles.size() == 1;
        for (const search_tile& tile : level.tiles) {
            for (const sighting& one : in_one ? see(picture) : see(piece_of(picture, tile))) {
                if (!in_one && !is_whole(one.where, tile, level.size)) continue;
                found.push_back(moved(one, across, down, tile.x * across, tile.y * down));
            }
        }
        std::erase_if(found, [&](const sighting& one) { return is_part(one, all); });
        all.insert(all.end(), found.begin(), found.end());
    }
    return surest(std::move(all));
}

sighting turned_back(sighting one, double width, double height, int quarters) {
    one.where = turned(one.where, width, height, quarters);
    for (point& at : one.points) at = turned(at, width, height, quarters);
    return one;
}

}  // namespace

detection_scale search_scale(picture_size photo, int min_face_px) {
    VULTUS_REQUIRE(photo.width >= 1 && photo.height >= 1, "a photo has pixels");
    VULTUS_REQUIRE(min_face_px >= 10 && min_face_px <= 2'000, "10 to 2000 px");
    const double wanted = seen_face_px / min_face_px;
    const double allowed = std::sqrt(double(limits::pixels) / pixels(photo));
    const bool limited = wanted > allowed;
    const double scale = std::min(wanted, allowed);
    return {{scaled(photo.width, scale), scaled(photo.height, scale)},
            limited ? static_cast<int>(std::ceil(seen_face_px / scale)) : min_face_px,
            limited};
}

std::vector<search_level> search_levels(picture_size seen) {
    VULTUS_REQUIRE(seen.width >= 1 && seen.height >= 1, "a picture has pixels");
    std::vector<search_level> levels;
    while (double(canvas_side(seen.width)) * canvas_side(seen.height) > tile_pixels) {
        const grid cut = best_grid(seen);
        search_level level{seen, {}};
        for (const std::uint32_t y : starts(seen.height, cut.tile.height, cut.rows)) {
            for (const std::uint32_t x : starts(seen.width, cut.tile.width, cut.columns)) {
                level.tiles.push_back({x, y, cut.tile});
            }
        }
        levels.push_back(std::move(level));
        seen = {scaled(seen.width, 1.0 / coarser), scaled(seen.height, 1.0 / coarser)};
    }
    levels.push_back({seen, {{0, 0, seen}}});
    return levels;
}

std::vector<sighting> search_faces(const image& seen, turning turns, const see_faces& see) {
    std::vector<sighting> all = found_upright(seen, see);
    const bool also_turned = turns == turning::all || (turns == turning::if_none && all.empty());
    if (!also_turned) return all;
    for (int quarters = 1; quarters <= 3; ++quarters) {
        const image lying = turned(seen.copy(), quarters);
        for (const sighting& one : found_upright(lying, see)) {
            all.push_back(turned_back(one, lying.width, lying.height, 4 - quarters));
        }
    }
    return surest(std::move(all));
}

}  // namespace vultus
