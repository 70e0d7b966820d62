// Products of 8-bit rows and 16-bit faces: in plain C++, for AVX2 (required by the build) and for
// AVX-512 with its dot product instruction. Every sum is exact, whatever its order.
#include <immintrin.h>

#include <array>

#include "shared/base/require.hpp"
#include "workers/gallery/quantized.hpp"

namespace vultus {
namespace {

template <std::size_t Floats>
std::int32_t plain_product(const std::int8_t* row, const quantized_face& face) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < Floats; ++i) sum += std::int32_t{row[i]} * face.v[i];
    return sum;
}

template <std::size_t Floats>
struct plainly {
    static void products(quantized_span rows, std::span<const quantized_face> faces,
                         std::int32_t* dots) {
        for (std::size_t face = 0; face < faces.size(); ++face) {
            for (std::size_t row = 0; row < rows.count; ++row) {
                dots[face * quantized_block + row] =
                    plain_product<Floats>(rows.c + row * Floats, faces[face]);
            }
        }
    }
};

using sums_of_8 = __m256i;

/// Sixteen rows for a batch of faces, transposed in 16 bits: the first two numbers of all rows,
/// then the next two. So each lane of a register belongs to one row, and no sum crosses lanes.
constexpr std::size_t rows_together = 16, faces_together = 4;
template <std::size_t Floats>
struct alignas(64) rows_abreast {
    std::int32_t pairs[Floats / 2][rows_together];
};

/// Eight rows into one half of the sixteen: transposes 8x8 pairs of bytes at a time and widens
/// them.
template <std::size_t Floats>
void set_abreast(const std::int8_t* rows, std::size_t half, rows_abreast<Floats>& to) {
    for (std::size_t at = 0; at < Floats; at += 16) {
        __m128i in[8], by_two[8], by_four[8];
        for (std::size_t i = 0; i < 8; ++i) {
            in[i] = _mm_load_si128(reinterpret_cast<const __m128i*>(rows + i * Floats + at));
        }
        for (std::size_t i = 0; i < 4; ++i) {
            by_two[i * 2] = _mm_unpacklo_epi16(in[i * 2], in[i * 2 + 1]);
            by_two[i * 2 + 1] = _mm_unpackhi_epi16(in[i * 2], in[i * 2 + 1]);
        }
        for (std::size_t i = 0; i < 4; ++i) {  // rows 0 to 3, then 4 to 7
            const std::size_t rows_4 = i / 2 * 4, which = i % 2;
            by_four[i * 2] = _mm_unpacklo_epi32(by_two[rows_4 + which], by_two[rows_4 + 2 + which]);
            by_four[i * 2 + 1] =
                _mm_unpackhi_epi32(by_two[rows_4 + which], by_two[rows_4 + 2 + which]);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            const __m128i even = _mm_unpacklo_epi64(by_four[i], by_four[4 + i]);
            const __m128i odd = _mm_unpackhi_epi64(by_four[i], by_four[4 + i]);
            auto* pair = to.pairs[at / 2 + i * 2] + half * 8;
            _mm256_store_si256(reinterpret_cast<__m256i*>(pair), _mm256_cvtepi8_epi16(even));
            _mm256_store_si256(reinterpret_cast<__m256i*>(pair + rows_together),
                               _mm256_cvtepi8_epi16(odd));
        }
    }
}

/// Prefetches what lies so many bytes ahead: a block of the shortest rows. Past the last row of a
/// segment a prefetch has no effect.
constexpr std::size_t ahead = quantized_block * limits::embedding_dimensions.front();
void fetch_ahead(const std::int8_t* rows, std::size_t bytes) {
    const auto* next = reinterpret_cast<const char*>(rows) + ahead;
    for (std::size_t at = 0; at < bytes; at += 64) _mm_prefetch(next + at, _MM_HINT_T0);
}

/// `single` sums eight rows with one face; `batch` sixteen with four, each face's to
/// dots[face * quantized_block]. The remaining rows are computed in plain C++.
template <std::size_t Floats, sums_of_8 single(const std::int8_t*, const quantized_face*),
          void batch(const rows_abreast<Floats>&, const quantized_face*, std::int32_t*)>
struct in_tiles {
    static void products(quantized_span rows, std::span<const quantized_face> faces,
                         std::int32_t* dots) {
        const std::size_t fours = faces.size() / faces_together * faces_together;
        const std::size_t abreast = fours == 0 ? 0 : rows.count / rows_together * rows_together;
        for (std::size_t row = 0; row < abreast; row += rows_together) {
            const std::int8_t* from = rows.c + row * Floats;
            rows_abreast<Floats> sixteen;
            set_abreast(from, 0, sixteen);
            set_abreast(from + 8 * Floats, 1, sixteen);
            fetch_ahead(from, rows_together * Floats);
            for (std::size_t face = 0; face < fours; face += faces_together) {
                batch(sixteen, &faces[face], dots + face * quantized_block + row);
            }
        }
        for (std::size_t face = 0; face < faces.size(); ++face) {
            by_one(rows, face < fours ? abreast : 0, faces[face], dots + face * quantized_block);
        }
    }

 private:
    static void by_one(quantized_span rows, std::size_t row, const quantized_face& face,
                       std::int32_t* dots) {
        for (; row + 8 <= rows.count; row += 8) {
            const std::int8_t* from = rows.c + row * Floats;
            fetch_ahead(from, 8 * Floats);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(dots + row), single(from, &face));
        }
        for (; row < rows.count; ++row) {
            dots[row] = plain_product<Floats>(rows.c + row * Floats, face);
        }
    }
};

/// The products for the dimension of the rows.
template <template <std::size_t> class Kernel>
void of_dimension(quantized_span rows, std::span<const quantized_face> faces, std::int32_t* dots) {
    static_assert(limits::embedding_dimensions == std::array<std::size_t, 3>{128, 256, 512});
    VULTUS_REQUIRE(rows.count <= quantized_block, "a block of rows");
    if (rows.dimension == 128) return Kernel<128>::products(rows, faces, dots);
    if (rows.dimension == 256) return Kernel<256>::products(rows, faces, dots);
    VULTUS_REQUIRE(rows.dimension == 512, "a dimension of a model");
    Kernel<512>::products(rows, faces, dots);
}

sums_of_8 sums_of(const __m256i (&s)[8]) {  // the sum of each of the eight, side by side
    const __m256i a =
        _mm256_hadd_epi32(_mm256_hadd_epi32(s[0], s[1]), _mm256_hadd_epi32(s[2], s[3]));
    const __m256i b =
        _mm256_hadd_epi32(_mm256_hadd_epi32(s[4], s[5]), _mm256_hadd_epi32(s[6], s[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                            _mm256_permute2x128_si256(a, b, 0x31));
}

std::int32_t pair_of(const quantized_face& face, std::size_t pair) {
    std::int32_t both;
    __builtin_memcpy(&both, &face.v[pair * 2], sizeof both);
    return both;
}

// AVX2. Pairs of products are added in 32 bits.

template <std::size_t Floats>
sums_of_8 avx2_single(const std::int8_t* rows, const quantized_face* face) {
    __m256i sums[8] = {};
#pragma GCC unroll 2  // unrolled further, the sums leave the registers
    for (std::size_t at = 0; at < Floats; at += 16) {
        const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(face->v.data() + at));
        for (std::size_t r = 0; r < 8; ++r) {
            const __m256i c = _mm256_cvtepi8_epi16(
                _mm_load_si128(reinterpret_cast<const __m128i*>(rows + r * Floats + at)));
            sums[r] = _mm256_add_epi32(sums[r], _mm256_madd_epi16(c, v));
        }
    }
    return sums_of(sums);
}

template <std::size_t Floats>
void avx2_batch(const rows_abreast<Floats>& rows, const quantized_face* faces, std::int32_t* dots) {
    __m256i sums[faces_together][2] = {};
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < Floats / 2; ++pair) {
        const auto* from = reinterpret_cast<const __m256i*>(rows.pairs[pair]);
        const __m256i low = _mm256_load_si256(from), high = _mm256_load_si256(from + 1);
        for (std::size_t f = 0; f < faces_together; ++f) {
            const __m256i v = _mm256_set1_epi32(pair_of(faces[f], pair));
            sums[f][0] = _mm256_add_epi32(sums[f][0], _mm256_madd_epi16(low, v));
            sums[f][1] = _mm256_add_epi32(sums[f][1], _mm256_madd_epi16(high, v));
        }
    }
    for (std::size_t f = 0; f < faces_together; ++f) {
        auto* to = reinterpret_cast<__m256i*>(dots + f * quantized_block);
        _mm256_storeu_si256(to, sums[f][0]);
        _mm256_storeu_si256(to + 1, sums[f][1]);
    }
}

// The same in 512 bits, product and sum in one instruction. Only these functions are compiled for
// AVX-512; a flag for the whole file would compile inline functions of headers for it, too, and the
// linker might give those to everybody.

#define VULTUS_AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))

template <std::size_t Floats>
VULTUS_AVX512 sums_of_8 avx512_single(const std::int8_t* rows, const quantized_face* face) {
    __m512i sums[8];
    for (std::size_t r = 0; r < 8; ++r) sums[r] = _mm512_setzero_si512();
#pragma GCC unroll 2
    for (std::size_t at = 0; at < Floats; at += 32) {
        const __m512i v = _mm512_load_si512(face->v.data() + at);
        for (std::size_t r = 0; r < 8; ++r) {
            const __m512i c = _mm512_cvtepi8_epi16(
                _mm256_load_si256(reinterpret_cast<const __m256i*>(rows + r * Floats + at)));
            sums[r] = _mm512_dpwssd_epi32(sums[r], c, v);
        }
    }
    __m256i halves[8];
    for (std::size_t r = 0; r < 8; ++r) {
        halves[r] = _mm256_add_epi32(_mm512_castsi512_si256(sums[r]),
                                     _mm512_extracti64x4_epi64(sums[r], 1));
    }
    return sums_of(halves);
}

template <std::size_t Floats>
VULTUS_AVX512 void avx512_batch(const rows_abreast<Floats>& rows, const quantized_face* faces,
                                std::int32_t* dots) {
    __m512i sums[faces_together];
    for (std::size_t f = 0; f < faces_together; ++f) sums[f] = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < Floats / 2; ++pair) {
        const __m512i c = _mm512_load_si512(rows.pairs[pair]);
        for (std::size_t f = 0; f < faces_together; ++f) {
            const __m512i v = _mm512_set1_epi32(pair_of(faces[f], pair));
            sums[f] = _mm512_dpwssd_epi32(sums[f], c, v);
        }
    }
    for (std::size_t f = 0; f < faces_together; ++f) {
        _mm512_storeu_si512(dots + f * quantized_block, sums[f]);
    }
}

template <std::size_t Floats>
using avx2 = in_tiles<Floats, avx2_single<Floats>, avx2_batch<Floats>>;
template <std::size_t Floats>
using avx512 = in_tiles<Floats, avx512_single<Floats>, avx512_batch<Floats>>;

constexpr std::array<quantized_kernel, 3> all_kernels{{
    {"plain", of_dimension<plainly>},
    {"avx2", of_dimension<avx2>},
    {"avx512_vnni", of_dimension<avx512>},
}};

}  // namespace

std::span<const quantized_kernel> quantized_kernels() {
    static const bool vnni =
        __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
    return std::span(all_kernels).first(vnni ? 3 : 2);
}

}  // namespace vultus
