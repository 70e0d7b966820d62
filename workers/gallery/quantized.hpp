// Trained faces in 8 bits, for a first look at a quarter of the memory. The look may only say "this
// one is surely farther than that"; all others are compared in float32, so that the answer of a
// search is the one of brute force, bit for bit (search.hpp). Pure.
//
// Why that is so. A row x is kept as x' = s c with whole c[i] in -127..127, s = max|x[i]| / 127,
// and the distance e >= |x - x'| that this costs. A face q that is looked for likewise: q' = t v,
// v[i] in -32767..32767, f >= |q - q'|. By the triangle inequality, twice,
//
//     |x - q|  >=  |x' - q'| - e - f,       |x' - q'|^2 = |x'|^2 + |q'|^2 - 2 s t (c . v),
//
// and c . v is a sum of whole numbers, exact in 32 bits: 128 * 127 * 32767 < 2^30. Let B be what
// brute force in float32 says of the k-th nearest row so far, and b(x) what it says of x. It adds
// no negative numbers and rounds each at most 15 times, so b(x) >= (1 - 2^-19) |x - q|^2 - 2^-143
// (the last for underflow). With r = sqrt((B + 1e-40) (1 + 2^-18)), then, |x - q| > r means
// b(x) > B: x is not among the k nearest, not even by a tie. Therefore x may be skipped if
//
//     |x' - q'|^2  >  (r + e + f)^2.                                                        (1)
//
// Both sides are computed in float32, unit roundoff u = 2^-24. On the left, with
// M = |x'|^2 + |q'|^2 >= 2 s t |c . v|: both squares (made in double) are rounded once, their sum
// once, the product four times, the difference once, so it is off by less than 12 u M < 2^-20 M.
// On the right no step is larger than 4 u. (1) holds in real numbers if, computed,
//
//     (1 - 2^-19) M - 2 s t (c . v)  >  (1 + 2^-19) (r + e + f)^2.                          (2)
//
// Numbers too small or large for this (a largest |x[i]| under 1e-15: then c = 0 and e = |x|; over
// 1e15: e is infinite) make (2) false or leave its margin, 2^-19 M >= 1e-36, far above any
// underflow; not a number compares false, too. A row for which (2) is false is never skipped.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// c of one row.
struct alignas(64) quantized_row {
    std::array<std::int8_t, limits::embedding_floats> c;
};
static_assert(sizeof(quantized_row) == limits::embedding_floats, "rows lie without gaps");

/// The rows of a segment in 8 bits; row i belongs to its vectors[i].
struct quantized_rows {
    std::vector<quantized_row> rows;
    std::vector<float> scale;    ///< s
    std::vector<float> squared;  ///< |x'|^2
    std::vector<float> error;    ///< e

    void reserve(std::size_t count);
    void push_back(const embedding&);
    void push_back(const quantized_rows& from, std::size_t row);
};

/// A face that is looked for, in 16 bits. requires  finite numbers
struct quantized_face {
    explicit quantized_face(const embedding&);
    alignas(64) std::array<std::int16_t, limits::embedding_floats> v;
    float twice_scale;  ///< 2 t
    float squared;      ///< |q'|^2
    float error;        ///< f
};

/// Rows that one call looks at: they stay in the first-level cache for all faces of a batch.
constexpr std::size_t quantized_block = 128;

/// c . v of `rows` (at most quantized_block) and each of the faces: dots[face * quantized_block +
/// row].
using quantized_products = void (*)(std::span<const quantized_row> rows,
                                    std::span<const quantized_face> faces, std::int32_t* dots);

/// The ways to compute them that this CPU knows, the fastest last. All give the same numbers.
struct quantized_kernel {
    std::string_view name;  ///< plain, avx2 or avx512_vnni
    quantized_products products;
};
std::span<const quantized_kernel> quantized_kernels();

/// r + f of (2). A root costs as much as ten rows: computed when B fell, not for each block.
/// requires  B >= 0 or infinite
float quantized_reach(const quantized_face&, float B);

/// Rows begin..begin+count of `of` for which (2) is false, to `kept` (as begin..).
/// requires  count <= quantized_block; dots[i] is that of row begin + i
/// returns   how many
std::size_t not_farther(const quantized_rows& of, std::size_t begin, std::size_t count,
                        const quantized_face&, const std::int32_t* dots, float reach,
                        std::uint32_t* kept);

}  // namespace vultus
