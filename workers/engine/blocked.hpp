// What the kernels' files share: numbers of both precisions, and loops whose block the compiler
// knows. Included by them and by nothing else.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>

#include "shared/base/require.hpp"
#include "workers/engine/kernels.hpp"

namespace vultus::kernels {

inline float widened(float value) {
    return value;
}
inline float widened(std::uint16_t value) {
    return std::bit_cast<float>(std::uint32_t{value} << 16);
}
inline void put(float value, float& to) {
    to = value;
}
inline void put(float value, std::uint16_t& to) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    to = static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

template <long Block>
struct width {
    static constexpr long block = Block;
};

/// Calls with the number type and the block as types.
template <typename Call>
void dispatch(const format& how, Call&& call) {
    VULTUS_REQUIRE(how.block == 8 || how.block == 16, "channels lie together by 8 or 16");
    if (how.bf16) {
        how.block == 8 ? call(std::uint16_t{}, width<8>{}) : call(std::uint16_t{}, width<16>{});
    } else {
        how.block == 8 ? call(float{}, width<8>{}) : call(float{}, width<16>{});
    }
}

inline long blocks(const format& how, const tensor_shape& shape) {
    return (shape.channels + how.block - 1) / how.block;
}

/// How many numbers of a value lie in memory, for one picture.
inline long stored(const format& how, const tensor_shape& shape) {
    return blocks(how, shape) * how.block * shape.rows * shape.columns;
}

}  // namespace vultus::kernels
