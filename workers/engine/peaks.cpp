// Places of the output to boxes, and which of them stay; the rules are dlib's (loss_mmod).
#include "workers/engine/peaks.hpp"

#include <algorithm>
#include <cmath>

#include "shared/base/require.hpp"
#include "workers/geometry/overlap.hpp"

namespace vultus {
namespace {

std::int32_t rounded(double value) {
    return static_cast<std::int32_t>(std::floor(value + 0.5));
}

}  // namespace

reach reach_of(const network& net) {
    reach sees;
    // From the last layer down: a place p of an output is p * stride - padding + window / 2 below.
    for (auto one = net.layers.rbegin(); one != net.layers.rend(); ++one) {
        if (one->kind == layer_kind::relu) continue;
        VULTUS_REQUIRE(one->kind == layer_kind::conv, "convolutions one after the other");
        sees.stride *= one->stride;
        sees.row_offset = sees.row_offset * one->stride - one->padding_rows + one->rows / 2;
        sees.column_offset =
            sees.column_offset * one->stride - one->padding_columns + one->columns / 2;
    }
    return sees;
}

bool same_face(const box& a, const box& b, double overlap_max, double covered_max) {
    const rectangle one = rectangle_of(a), other = rectangle_of(b);
    const double shared = shared_pixels(one, other);
    if (shared <= 0) return false;
    const double around = (std::max(one.right, other.right) - std::min(one.left, other.left)) *
                          (std::max(one.bottom, other.bottom) - std::min(one.top, other.top));
    return shared / around > overlap_max || shared / (one.width() * one.height()) > covered_max ||
           shared / (other.width() * other.height()) > covered_max;
}

std::vector<detected_face> faces_in(std::span<const float> scores, long rows, long columns,
                                    const reach& sees, const pyramid_layout& layout,
                                    const detector_layers& rules) {
    VULTUS_REQUIRE(scores.size() == static_cast<std::size_t>(rows * columns), "a score a place");
    const double half_width = (rules.window_width - 1) / 2;
    const double half_height = (rules.window_height - 1) / 2;
    std::vector<detected_face> found;
    for (long row = 0; row < rows; ++row) {
        for (long column = 0; column < columns; ++column) {
            const float score = scores[static_cast<std::size_t>(row * columns + column)];
            if (!(score > 0)) continue;
            const auto x = static_cast<double>(column * sees.stride + sees.column_offset);
            const auto y = static_cast<double>(row * sees.stride + sees.row_offset);
            const area where = on_picture(
                layout, {x - half_width, y - half_height, x + half_width, y + half_height});
            found.push_back({{rounded(where.left), rounded(where.top), rounded(where.right),
                              rounded(where.bottom)},
                             static_cast<double>(score)});
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    std::vector<detected_face> kept;
    for (const detected_face& one : found) {
        const bool taken = std::any_of(kept.begin(), kept.end(), [&](const detected_face& surer) {
            return same_face(surer.where, one.where, rules.overlap_max, rules.covered_max);
        });
        if (!taken) kept.push_back(one);
    }
    return kept;
}

}  // namespace vultus
