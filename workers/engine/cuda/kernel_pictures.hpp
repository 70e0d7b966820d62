// The bodies of the kernels that bring pictures to the network: as kernel_bodies.hpp has them.
#pragma once

#include "workers/engine/cuda/kernel_numbers.hpp"

namespace vultus::cuda {

/// The piece of a side of `from` pixels that pixel i of `to` shows.
struct cover {
    float begin, end;
    int first, after;  ///< the pixels that it touches
};

/// As long as a step where the picture shrinks, so that nothing is left out; one pixel long where
/// it grows, and then lies between two of them.
VULTUS_BOTH cover cover_of(int i, int from, int to) {
    const float step = static_cast<float>(from) / static_cast<float>(to);
    const float length = step > 1.0f ? step : 1.0f, room = static_cast<float>(from) - length;
    float begin = (static_cast<float>(i) + 0.5f) * step - length / 2;
    begin = begin < 0.0f ? 0.0f : begin > room ? room : begin;
    const float end = begin + length;
    const int before_end = static_cast<int>(end);
    const int after = static_cast<float>(before_end) < end ? before_end + 1 : before_end;
    return {begin, end, static_cast<int>(begin), after < from ? after : from};
}

/// How much of `piece` pixel k has.
VULTUS_BOTH float share_of(const cover& piece, int k) {
    const auto begin = static_cast<float>(k), end = begin + 1.0f;
    const float part =
        (end < piece.end ? end : piece.end) - (begin > piece.begin ? begin : piece.begin);
    return part / (piece.end - piece.begin);
}

/// The mean of the pixels that pixel (row, column) of `to` covers in a picture of `from`.
VULTUS_BOTH void mean_of_cover(const kernel_call& call, long lines, int row, int column,
                               float* mean) {
    const cover down = cover_of(row, call.from.rows, call.to.rows);
    const cover across = cover_of(column, call.from.columns, call.to.columns);
    for (int y = down.first; y < down.after; ++y) {
        const auto* line =
            static_cast<const unsigned char*>(call.in) + (lines + y) * call.from.columns * 3;
        const float of_line = share_of(down, y);
        for (int x = across.first; x < across.after; ++x) {
            const float share = of_line * share_of(across, x);
            for (int c = 0; c < 3; ++c) mean[c] += share * static_cast<float>(line[x * 3 + c]);
        }
    }
}

/// Bytes of another size to numbers, (byte - mean) * scale, at `to` on each canvas of out_shape:
/// each is the mean of the pixels that it covers, rounded to a byte. One thread a pixel.
/// in: [picture][from.rows][from.columns][3] bytes
template <typename Number>
VULTUS_BOTH void picture_body(const kernel_call& call, int i) {
    const int pixels = call.to.rows * call.to.columns, inside = i % pixels;
    const int row = inside / call.to.columns, column = inside % call.to.columns;
    const long lines = static_cast<long>(i / pixels) * call.from.rows;
    float mean[3] = {};
    if (call.from.rows == call.to.rows && call.from.columns == call.to.columns) {
        const auto* byte = static_cast<const unsigned char*>(call.in) +
                           ((lines + row) * call.from.columns + column) * 3;
        for (int c = 0; c < 3; ++c) mean[c] = static_cast<float>(byte[c]);
    } else {
        mean_of_cover(call, lines, row, column, mean);
    }
    eight<Number> pixel{};
    for (int c = 0; c < 3; ++c) {
        const float colour = mean[call.bgr ? 2 - c : c];
        const auto byte = static_cast<float>(static_cast<int>(colour + 0.5f));
        put((byte - call.mean[c]) * call.scale[c], pixel.at[c]);
    }
    const long at =
        group_index(i / pixels, call.to.top + row, call.to.left + column, 0, call.out_shape);
    group<Number>(call.out, at) = pixel;
}

/// The level `to` of a canvas from the level `from`, between its four nearest pixels. One thread a
/// pixel of `to`; out: the canvas, out_shape.
template <typename Number>
VULTUS_BOTH void shrink_body(const kernel_call& call, int i) {
    const int row = i / call.to.columns, column = i % call.to.columns;
    const float down = call.to.rows > 1 ? static_cast<float>(call.from.rows - 1) /
                                              static_cast<float>(call.to.rows - 1)
                                        : 0.0f;
    const float across = call.to.columns > 1 ? static_cast<float>(call.from.columns - 1) /
                                                   static_cast<float>(call.to.columns - 1)
                                             : 0.0f;
    const float y = static_cast<float>(row) * down, x = static_cast<float>(column) * across;
    const int top = static_cast<int>(y), left = static_cast<int>(x);
    const int bottom = top + 1 < call.from.rows ? top + 1 : call.from.rows - 1;
    const int right = left + 1 < call.from.columns ? left + 1 : call.from.columns - 1;
    const float below = y - static_cast<float>(top), beside = x - static_cast<float>(left);
    const extent& canvas = call.out_shape;
    const auto pixel = [&](int r, int c) -> eight<Number> {
        const long at = group_index(0, call.from.top + r, call.from.left + c, 0, canvas);
        return group<Number>(static_cast<const void*>(call.out), at);
    };
    const eight<Number> a = pixel(top, left), b = pixel(top, right);
    const eight<Number> c = pixel(bottom, left), d = pixel(bottom, right);
    eight<Number> made{};
    for (int k = 0; k < 3; ++k) {
        const float over = (1.0f - beside) * widened(a.at[k]) + beside * widened(b.at[k]);
        const float under = (1.0f - beside) * widened(c.at[k]) + beside * widened(d.at[k]);
        put((1.0f - below) * over + below * under, made.at[k]);
    }
    const long at = group_index(0, call.to.top + row, call.to.left + column, 0, canvas);
    group<Number>(call.out, at) = made;
}

}  // namespace vultus::cuda
