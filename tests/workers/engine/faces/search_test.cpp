// How a photo is cut up and put together again, with a network made up for it: a face is a red
// square, seen from 20 to 400 px; upright, its lower fifth is yellow.
#include "workers/engine/faces/search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "shared/base/limits.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

void fill(image& into, const rectangle& where, std::size_t colour) {
    const auto edge = [](double at, std::uint32_t side) {
        return static_cast<std::uint32_t>(std::clamp(at, 0.0, static_cast<double>(side)));
    };
    for (std::uint32_t y = edge(where.top, into.height); y < edge(where.bottom, into.height); ++y) {
        for (std::uint32_t x = edge(where.left, into.width); x < edge(where.right, into.width);
             ++x) {
            into.row(y)[std::size_t{x} * 3 + colour] = 255;
        }
    }
}

void draw_face(image& into, double left, double top, double side) {
    fill(into, {left, top, left + side, top + side}, 0);
    fill(into, {left, top + 0.8 * side, left + side, top + side}, 1);
}

/// Tells the squares of a piece; counts the pieces.
struct fake_network {
    int pieces = 0;
    std::uint64_t largest = 0;
    bool upright_only = false;
    double shy_px = 0;  ///< how far from the edge of a piece it thinks that a face ends

    std::vector<sighting> operator()(const image& piece) {
        ++pieces;
        largest = std::max(largest, std::uint64_t{piece.width} * piece.height);
        std::vector<sighting> found;
        const auto red = [&](std::uint32_t x, std::uint32_t y) {
            return piece.row(y)[std::size_t{x} * 3] > 127;
        };
        for (std::uint32_t y = 0; y < piece.height; ++y) {
            for (std::uint32_t x = 0; x < piece.width; ++x) {
                if (!red(x, y) || (x > 0 && red(x - 1, y)) || (y > 0 && red(x, y - 1))) continue;
                std::uint32_t right = x, bottom = y;
                while (right < piece.width && red(right, y)) ++right;
                while (bottom < piece.height && red(x, bottom)) ++bottom;
                const double wide = piece.width - shy_px, high = piece.height - shy_px;
                add(piece,
                    {std::max(double(x), shy_px), std::max(double(y), shy_px),
                     std::min(double(right), wide), std::min(double(bottom), high)},
                    found);
            }
        }
        return found;
    }

    void add(const image& piece, const rectangle& where, std::vector<sighting>& found) const {
        const double wide = where.width(), high = where.height();
        const double size = std::sqrt(wide * high);
        if (size < 20 || size > 400) return;
        const double x = where.left + wide / 2, y = where.top + high / 2;
        const auto chin = static_cast<std::uint32_t>(where.bottom - high / 10);
        const bool upright = piece.row(chin)[static_cast<std::size_t>(x) * 3 + 1] > 127;
        if (upright_only && !upright) return;
        const auto at = [](double a, double b) {
            return point{static_cast<float>(a), static_cast<float>(b)};
        };
        found.push_back({where,
                         0.9,
                         {at(x - wide / 4, y), at(x + wide / 4, y), at(x, y),
                          at(x - wide / 6, where.bottom), at(x + wide / 6, where.bottom)}});
    }
};

std::vector<sighting> searched(const image& picture, fake_network& network,
                               turning turns = turning::upright) {
    return search_faces(picture, turns, std::ref(network));
}

TEST(search_scale, keeps_min_face_px_in_every_photo_from_20_on) {
    for (const picture_size photo : {picture_size{40, 40},
                                     {640, 480},
                                     {4'032, 3'024},
                                     {12'000, 3'333},
                                     {6'324, 6'324},
                                     {65'500, 610}}) {
        for (const int min_face_px : {20, 40, 41, 80, 2'000}) {
            const detection_scale scale = search_scale(photo, min_face_px);
            EXPECT_FALSE(scale.limited) << photo.width;
            EXPECT_EQ(scale.min_face_px, min_face_px);
            const double seen_px = double(min_face_px) * scale.seen.width / photo.width;
            if (scale.seen.width < 100) continue;  // whole pixels are coarse there
            EXPECT_NEAR(seen_px, seen_face_px, 0.4) << photo.width;
        }
    }
    EXPECT_EQ(search_scale({1'920, 1'080}, 40).seen, (picture_size{960, 540}));
    EXPECT_EQ(search_scale({1'000, 800}, 10).seen, (picture_size{2'000, 1'600}));
    EXPECT_EQ(search_scale({3, 60'000}, 2'000).seen, (picture_size{1, 600}));
}

TEST(search_scale, says_what_it_searches_for_when_a_photo_is_too_large) {
    const detection_scale scale = search_scale({8'000, 5'000}, 10);  // limits::pixels
    EXPECT_TRUE(scale.limited);
    EXPECT_EQ(scale.min_face_px, 20);
    EXPECT_EQ(scale.seen, (picture_size{8'000, 5'000}));
    const detection_scale between = search_scale({5'000, 4'000}, 10);
    EXPECT_TRUE(between.limited);
    EXPECT_EQ(between.min_face_px, 15);  // 20 / sqrt(2), whole
    EXPECT_LE(std::uint64_t{between.seen.width} * between.seen.height, limits::pixels + 10'000);
    EXPECT_FALSE(search_scale({4'000, 2'500}, 10).limited);
}

TEST(search_levels, a_small_picture_is_seen_whole_and_once) {
    for (const picture_size size : {picture_size{1, 1}, {960, 540}, {768, 768}, {9'000, 50}}) {
        const auto levels = search_levels(size);
        ASSERT_THAT(levels, SizeIs(1));
        EXPECT_THAT(levels[0].tiles, ElementsAre(search_tile{0, 0, size}));
    }
}

std::uint64_t canvas_pixels(picture_size size) {
    return std::uint64_t{canvas_side(size.width)} * canvas_side(size.height);
}

void expect_covered(const search_level& level) {
    std::uint32_t right = 0, bottom = 0, last_x = 0, last_y = 0;
    for (const search_tile& tile : level.tiles) {
        EXPECT_EQ(tile.size, level.tiles[0].size) << "one program for all";
        EXPECT_LE(canvas_pixels(tile.size), tile_pixels);
        if (tile.y != last_y) {
            EXPECT_EQ(right, level.size.width);
            EXPECT_LE(tile.y + tile_overlap, last_y + tile.size.height);
        } else if (tile.x != last_x) {
            EXPECT_LE(tile.x + tile_overlap, last_x + tile.size.width);
        }
        right = tile.x + tile.size.width;
        bottom = tile.y + tile.size.height;
        EXPECT_LE(right, level.size.width);
        EXPECT_LE(bottom, level.size.height);
        last_x = tile.x;
        last_y = tile.y;
    }
    EXPECT_EQ(right, level.size.width);
    EXPECT_EQ(bottom, level.size.height);
}

TEST(search_levels, tiles_cover_all_and_share_enough) {
    for (const picture_size size : {picture_size{769, 768},
                                    {3'000, 2'250},
                                    {6'324, 6'324},
                                    {40'000, 900},
                                    {61, 65'500},
                                    {65'500, 9},
                                    {10'000, 33},
                                    {1'440, 1'441}}) {
        const auto levels = search_levels(size);
        ASSERT_GE(levels.size(), 2u);
        EXPECT_THAT(levels.back().tiles, SizeIs(1));
        for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
            expect_covered(levels[i]);
            EXPECT_NEAR(levels[i + 1].size.width, levels[i].size.width / 4.0, 1);
        }
    }
}

TEST(search_levels, little_is_computed_twice) {
    for (const picture_size size : {picture_size{2'016, 1'512},
                                    {1'512, 2'016},
                                    {1'600, 600},
                                    {3'000, 2'000},
                                    {6'324, 6'324}}) {
        std::uint64_t computed = 0;
        for (const search_level& level : search_levels(size)) {
            computed += level.tiles.size() * canvas_pixels(level.tiles[0].size);
        }
        EXPECT_LE(double(computed), 1.4 * size.width * size.height) << size.width;
    }
}

/// A face in a picture of two tiles, which end at 608 and begin at 492, across or down.
void expect_once(double side, double at, bool across, double shy_px) {
    image picture(across ? 1'100 : 600, across ? 600 : 1'100);
    const double left = across ? at : 200, top = across ? 200 : at;
    draw_face(picture, left, top, side);
    fake_network network;
    network.shy_px = shy_px;
    const auto found = searched(picture, network);
    ASSERT_THAT(found, SizeIs(1)) << side << " px at " << left << " " << top;
    EXPECT_NEAR(found[0].where.left, left, 4) << side;
    EXPECT_NEAR(found[0].where.right, left + side, 4) << side;
    EXPECT_NEAR(found[0].where.bottom, top + side, 4) << side;
    EXPECT_NEAR(found[0].points[2].x, left + side / 2, 4) << side;
}

/// Cut by each seam at many places.
void expect_each_once(double side, double shy_px) {
    ASSERT_EQ(search_levels({1'100, 600})[0].tiles[1], (search_tile{492, 0, {608, 600}}));
    for (double seen = 2; seen < side; seen += 4) {
        for (const bool across : {true, false}) {
            expect_once(side, 608 - seen, across, shy_px);
            expect_once(side, 492 - side + seen, across, shy_px);
        }
    }
}

TEST(search, finds_faces_at_seams_whole_and_once) {
    for (const double side : {24.0, 45.0, 70.0, 88.0}) expect_each_once(side, 0);
}

TEST(search, a_part_of_a_face_at_a_seam_is_no_face) {
    expect_each_once(70, 3);   // cut off, and told as if it ended before the seam
    expect_each_once(180, 6);  // the picture a quarter as large knows better
}

TEST(search, faces_of_all_sizes_between_tiles_and_coarser_pictures) {
    for (double side = 60; side < 390; side += 23) expect_once(side, 500 - side / 2, true, 0);
}

TEST(search, a_face_may_fill_the_photo) {
    for (const double side : {300.0, 700.0, 950.0}) {
        image picture(1'700, 1'000);
        draw_face(picture, 620, 20, side);
        fake_network network;
        const auto found = searched(picture, network);
        ASSERT_THAT(found, SizeIs(1)) << side;
        EXPECT_NEAR(found[0].where.bottom, 20 + side, 4) << side;
    }
}

TEST(search, a_face_that_the_photo_cuts_off_is_the_tiles_to_tell) {
    image picture(1'700, 1'000);
    draw_face(picture, -20, 500, 60);
    draw_face(picture, 1'660, -10, 60);
    draw_face(picture, 800, 960, 60);
    fake_network network;
    EXPECT_THAT(searched(picture, network), SizeIs(3));
}

TEST(search, forty_faces_are_forty) {
    image picture(2'016, 1'512);
    for (int k = 0; k < 40; ++k) draw_face(picture, 30 + k % 8 * 250.0, 40 + k / 8 * 300.0, 50);
    fake_network network;
    EXPECT_THAT(searched(picture, network), SizeIs(40));
    EXPECT_GT(network.pieces, 4);
    EXPECT_LE(network.largest, std::uint64_t{tile_side} * tile_side) << "memory does not grow";
}

TEST(search, looks_at_turned_pictures_only_when_asked_or_when_nobody_is_there) {
    const auto lying = [](int quarters) {
        image picture(500, 300);
        draw_face(picture, 40, 60, 50);
        return turned(std::move(picture), quarters);
    };
    for (int quarters = 1; quarters <= 3; ++quarters) {
        fake_network network;
        network.upright_only = true;
        EXPECT_THAT(searched(lying(quarters), network), SizeIs(0)) << quarters;
        EXPECT_EQ(network.pieces, 1);
        for (const turning turns : {turning::if_none, turning::all}) {
            const auto found = searched(lying(quarters), network, turns);
            ASSERT_THAT(found, SizeIs(1)) << quarters;
            const rectangle there = turned(rectangle{40, 60, 90, 110}, 500, 300, quarters);
            EXPECT_EQ(found[0].where, there) << quarters;
            EXPECT_EQ(quarters_to_upright(found[0].points), 4 - quarters);
        }
    }
    fake_network network;
    network.upright_only = true;
    EXPECT_THAT(searched(lying(0), network, turning::if_none), SizeIs(1));
    EXPECT_EQ(network.pieces, 1) << "somebody is there";
    EXPECT_THAT(searched(lying(0), network, turning::all), SizeIs(1));
    EXPECT_EQ(network.pieces, 5);
}

}  // namespace
}  // namespace vultus
