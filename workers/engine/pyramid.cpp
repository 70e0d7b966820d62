// The layout, the resizing and the way back, step by step in the order and the precision in which
// dlib does them: the same pixels come out, bit for bit (compiled without fused multiply-adds).
#include "workers/engine/pyramid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "shared/base/require.hpp"
#include "workers/engine/kernels.hpp"

namespace vultus {
namespace {

constexpr double rate = 5.0 / 6.0;  ///< a level over the one before it
constexpr long level_rows_min = 5;  ///< no smaller level; dlib's bound

struct size {
    long rows, columns;
};

/// The picture's own size and those of its smaller levels.
std::vector<size> level_sizes(long rows, long columns) {
    std::vector<size> sizes;
    while (rows * columns != 0 && (sizes.empty() || rows >= level_rows_min)) {
        sizes.push_back({rows, columns});
        rows = static_cast<long>(std::floor(rate * static_cast<double>(rows)));
        columns = static_cast<long>(std::floor(rate * static_cast<double>(columns)));
    }
    return sizes;
}

/// Rows of the first column of levels. A level begins the second one when it fits beside the one
/// before it and half of the height is laid. dlib subtracts without sign, so that "no room" counts
/// as much room; the layout depends on it.
long first_column_rows(const std::vector<size>& sizes, long padding) {
    long total = -2 * padding;
    for (const size& level : sizes) total += level.rows + padding;
    long rows = 0, before = 0;
    for (const size& level : sizes) {
        const auto room = static_cast<unsigned long>(sizes[0].columns - before - padding);
        const auto laid = static_cast<unsigned long>(rows - sizes[0].rows) * 2;
        if (static_cast<unsigned long>(level.columns) <= room &&
            laid >= static_cast<unsigned long>(total - sizes[0].rows)) {
            break;
        }
        rows += level.rows + padding;
        before = level.columns;
    }
    return rows - padding;
}

box at(long left, long top, const size& level) {
    return {static_cast<std::int32_t>(left), static_cast<std::int32_t>(top),
            static_cast<std::int32_t>(left + level.columns - 1),
            static_cast<std::int32_t>(top + level.rows - 1)};
}

bool meet(const box& a, const box& b) {
    return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

/// A pixel of the level above for each pixel of this one, along one side: the one before it, and
/// how far it lies on the way to the next.
struct sample {
    long before;
    float way;
};

/// dlib steps through columns in four lanes of float, as far as four next pixels exist, and in
/// double from there.
std::vector<sample> column_samples(long from, long to, long& lanes_end) {
    const double scale = static_cast<double>(from - 1) / static_cast<double>(std::max(to - 1, 1L));
    std::vector<sample> samples;
    std::array<float, 4> x{};
    for (std::size_t lane = 0; lane < 4; ++lane) {
        const double start = -4.0 * scale + static_cast<double>(lane) * scale;
        x[lane] = static_cast<float>(start);
    }
    const auto stride = static_cast<float>(4.0 * scale);
    for (;;) {
        for (float& lane : x) lane += stride;
        if (static_cast<long>(x[3]) + 1 >= from) break;
        for (const float lane : x) {
            const auto before = static_cast<long>(lane);
            samples.push_back({before, lane - static_cast<float>(before)});
        }
    }
    lanes_end = static_cast<long>(samples.size());
    double here = -scale + static_cast<double>(lanes_end) * scale;
    for (long column = lanes_end; column < to; ++column) {
        here += scale;
        const auto before = static_cast<long>(std::floor(here));
        samples.push_back({before, static_cast<float>(here - static_cast<double>(before))});
    }
    return samples;
}

/// One row of a level from two of the level above.
struct row_maker {
    const std::vector<sample>& columns;
    long lanes_end;
    long last;  ///< column of the level above

    void make(const float* __restrict top, const float* __restrict bottom, double down,
              float* __restrict out) const {
        const auto below = static_cast<float>(down), above = static_cast<float>(1.0 - down);
        for (long c = 0; c < lanes_end; ++c) {
            const sample& s = columns[static_cast<std::size_t>(c)];
            const float left = 1.0f - s.way;
            const float top_left = above * left, top_right = above * s.way;
            const float bottom_left = below * left, bottom_right = below * s.way;
            out[c] = top_left * top[s.before] + top_right * top[s.before + 1] +
                     bottom_left * bottom[s.before] + bottom_right * bottom[s.before + 1];
        }
        for (long c = lanes_end; c < static_cast<long>(columns.size()); ++c) {
            const sample& s = columns[static_cast<std::size_t>(c)];
            const long next = std::min(s.before + 1, last);
            const float left = 1.0f - s.way;
            const float over = left * top[s.before] + s.way * top[next];
            const float under = left * bottom[s.before] + s.way * bottom[next];
            out[c] = static_cast<float>((1.0 - down) * static_cast<double>(over) +
                                        down * static_cast<double>(under));
        }
    }
};

void shrink(float* plane, long plane_columns, const box& from, const box& to) {
    const auto pixel = [&](const box& level, long row) {
        return plane + (level.top + row) * plane_columns + level.left;
    };
    const long rows = from.height();
    long lanes_end = 0;
    const auto columns = column_samples(from.width(), to.width(), lanes_end);
    const row_maker maker{columns, lanes_end, from.width() - 1};
    const double scale =
        static_cast<double>(rows - 1) / static_cast<double>(std::max<long>(to.height() - 1, 1));
    double y = -scale;
    for (long row = 0; row < to.height(); ++row) {
        y += scale;
        const auto top = static_cast<long>(std::floor(y));
        const long bottom = std::min(top + 1, rows - 1);
        maker.make(pixel(from, top), pixel(from, bottom), y - static_cast<double>(top),
                   pixel(to, row));
    }
}

long rounded(double value) {
    return static_cast<long>(std::floor(value + 0.5));
}

}  // namespace

pyramid_layout pyramid_of(long rows, long columns, long padding, long outer_padding) {
    VULTUS_REQUIRE(rows >= 1 && columns >= 1, "a picture has pixels");
    VULTUS_REQUIRE(padding >= 0 && outer_padding >= 0, "no negative room");
    const std::vector<size> sizes = level_sizes(rows, columns);
    const long column_rows = std::max(first_column_rows(sizes, padding), rows);
    pyramid_layout made;
    made.rows = column_rows + 2 * outer_padding;
    made.columns = columns + 2 * outer_padding;
    std::size_t next = 0;
    long y = outer_padding;
    for (; next < sizes.size() && y < column_rows + outer_padding; ++next) {
        made.levels.push_back(at(outer_padding, y, sizes[next]));
        y += sizes[next].rows + padding;
    }
    y -= padding;
    for (; next < sizes.size(); ++next) {
        const size& level = sizes[next];
        const box where = at(outer_padding + columns - level.columns, y - level.rows, level);
        if (where.top < 0 || meet(made.levels[0], where)) break;
        made.levels.push_back(where);
        y -= level.rows + padding;
    }
    return made;
}

void draw_pyramid(const image& picture, const pyramid_layout& layout, const input_format& input,
                  std::span<float> canvas) {
    const auto plane_size = static_cast<std::size_t>(layout.rows * layout.columns);
    VULTUS_REQUIRE(canvas.size() == 3 * plane_size, "three planes of the canvas");
    VULTUS_REQUIRE(
        layout.levels[0].width() == picture.width && layout.levels[0].height() == picture.height,
        "the layout of this picture");
    std::fill(canvas.begin(), canvas.end(), 0.0f);
    const box& whole = layout.levels[0];
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        const long row = (whole.top + static_cast<long>(y)) * layout.columns + whole.left;
        kernels::planes_of(picture.row(y), picture.width, input, canvas.data() + row, plane_size);
    }
    for (std::size_t channel = 0; channel < 3; ++channel) {
        float* plane = canvas.data() + channel * plane_size;
        for (std::size_t i = 1; i < layout.levels.size(); ++i) {
            shrink(plane, layout.columns, layout.levels[i - 1], layout.levels[i]);
        }
    }
}

area on_picture(const pyramid_layout& layout, area on_canvas) {
    const long x = rounded((on_canvas.left + on_canvas.right) / 2);
    const long y = rounded((on_canvas.top + on_canvas.bottom) / 2);
    std::size_t level = 0;
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < layout.levels.size(); ++i) {
        const box& one = layout.levels[i];
        const auto across = static_cast<double>(x - std::clamp<long>(x, one.left, one.right));
        const auto down = static_cast<double>(y - std::clamp<long>(y, one.top, one.bottom));
        const double distance = std::sqrt(across * across + down * down);
        if (distance < nearest) {
            nearest = distance;
            level = i;
        }
    }
    const box& origin = layout.levels[level];
    area moved{on_canvas.left - origin.left, on_canvas.top - origin.top,
               on_canvas.right - origin.left, on_canvas.bottom - origin.top};
    // A level's pixel p is p * 6 / 5 + 0.3 of the level above; dlib's numbers.
    for (std::size_t i = 0; i < level; ++i) {
        for (double* edge : {&moved.left, &moved.top, &moved.right, &moved.bottom}) {
            *edge = *edge * (6.0 / 5.0) + 0.3;
        }
    }
    return moved;
}

}  // namespace vultus
