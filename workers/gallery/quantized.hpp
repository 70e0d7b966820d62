// Trained faces in 8 bits: a prefilter that reads a quarter of the memory. It may only exclude a
// row that is certainly farther than another; all others are compared in float32, so that a search
// gives the answer of brute force, bit for bit (search.hpp). Pure.
//
// The proof. A row x of n floats is kept as x' = s c with whole c[i] in -127..127,
// s = max|x[i]| / 127, and the distance e >= |x - x'| that this costs. A face q that is searched
// for likewise: q' = t v, v[i] in -32767..32767, f >= |q - q'|. By the triangle inequality, twice,
//
//     |x - q|  >=  |x' - q'| - e - f,       |x' - q'|^2 = |x'|^2 + |q'|^2 - 2 s t (c . v),
//
// and c . v is a sum of whole numbers, exact in 32 bits in any order, as no part of it exceeds
// n * 127 * 32767 < 2^31 for n <= 512. Let B be what brute force in float32 says of the k-th
// nearest row so far, and b(x) what it says of x. For a multiple n of 16 it adds in 16 lanes: a
// difference, its square, n / 16 sums of a lane and 4 across them. A term is so rounded at most 7 +
// n / 16 times (twice for the difference, as it is squared): 39 times for n = 512, less than 64.
// None is negative, so with the unit roundoff u = 2^-24, (1 - u)^64 > 1 - 2^-18, and a square that
// underflows is off by 2^-150 at most,
//
//     b(x)  >=  (1 - 2^-18) |x - q|^2 - n 2^-150,       n 2^-150 <= 2^-141 < 1e-42.
//
// With r = sqrt((B + 1e-40) (1 + 2^-17)), then, |x - q| > r means b(x) > B, since
// (1 - 2^-18) (1 + 2^-17) > 1: x is not among the k nearest, not even by a tie. Therefore x may be
// skipped if
//
//     |x' - q'|^2  >  (r + e + f)^2.                                                        (1)
//
// Both sides are computed in float32, by steps whose number does not depend on n. On the left, with
// M = |x'|^2 + |q'|^2 >= 2 s t |c . v|: both squares (made in double, where n rounded sums cost
// less than 2^-43) are rounded once, their sum once, the product four times, the difference once,
// so it is off by less than 12 u M < 2^-20 M. On the right no step is larger than 4 u. (1) holds in
// real numbers if, computed,
//
//     (1 - 2^-19) M - 2 s t (c . v)  >  (1 + 2^-19) (r + e + f)^2.                          (2)
//
// Numbers too small or large for this (a largest |x[i]| under 1e-15: then c = 0 and e = |x|; over
// 1e15: e is infinite) make (2) false or leave its margin, 2^-19 M >= 1e-36, far above any
// underflow; not a number compares false, too. A row for which (2) is false is never skipped.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// Some rows, one after the other without gaps; each begins at a multiple of 64 bytes.
struct quantized_span {
    const std::int8_t* c = nullptr;
    std::size_t count = 0;
    std::size_t dimension = 0;
};

/// The rows of a segment in 8 bits; row i belongs to its vector(i).
class quantized_rows {
 public:
    /// requires  limits::is_embedding_dimension(dimension)
    explicit quantized_rows(std::size_t dimension);

    std::vector<float> scale;    ///< s
    std::vector<float> squared;  ///< |x'|^2
    std::vector<float> error;    ///< e

    std::size_t dimension() const noexcept { return dimension_; }
    std::size_t size() const noexcept { return scale.size(); }
    /// requires  begin + count <= size()
    quantized_span block(std::size_t begin, std::size_t count) const;
    std::span<const std::int8_t> row(std::size_t row) const;  ///< c

    void reserve(std::size_t count);
    /// requires  vector.size() == dimension()
    void push_back(const embedding& vector);
    /// requires  the same dimension
    void push_back(const quantized_rows& from, std::size_t row);

 private:
    struct alignas(64) line {
        std::array<std::int8_t, 64> c;
    };
    static_assert(std::ranges::all_of(limits::embedding_dimensions,
                                      [](std::size_t floats) {
                                          return floats % sizeof(line) == 0;
                                      }),
                  "rows lie without gaps");
    std::int8_t* append();

    std::size_t dimension_;
    std::vector<line> lines_;  ///< of row i: dimension / 64 of them
};

/// A face that is searched for, in 16 bits. requires  finite numbers
struct quantized_face {
    explicit quantized_face(const embedding&);
    alignas(64) std::array<std::int16_t, limits::embedding_floats_max> v;  ///< as many as it has
    float twice_scale;                                                     ///< 2 t
    float squared;                                                         ///< |q'|^2
    float error;                                                           ///< f
};

/// Rows of one call.
constexpr std::size_t quantized_block = 128;

/// c . v of `rows` (at most quantized_block) and each of the faces, of the same dimension:
/// dots[face * quantized_block + row].
using quantized_products = void (*)(quantized_span rows, std::span<const quantized_face> faces,
                                    std::int32_t* dots);

/// The kernels that this CPU supports, the fastest last. All give the same numbers.
struct quantized_kernel {
    std::string_view name;  ///< plain, avx2 or avx512_vnni
    quantized_products products;
};
std::span<const quantized_kernel> quantized_kernels();

/// r + f of (2). A square root costs as much as ten rows, so it is computed when B decreases and
/// not for each block.
/// requires  B >= 0 or infinite
float quantized_reach(const quantized_face&, float B);

/// Rows begin..begin+count of `of` for which (2) is false, to `kept` (as begin..).
/// requires  count <= quantized_block; dots[i] is that of row begin + i
/// returns   how many
std::size_t not_farther(const quantized_rows& of, std::size_t begin, std::size_t count,
                        const quantized_face&, const std::int32_t* dots, float reach,
                        std::uint32_t* kept);

}  // namespace vultus
