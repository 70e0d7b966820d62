// Rounds rows and faces, and decides (2) of quantized.hpp for a block of rows.
#include "workers/gallery/quantized.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr float smallest = 1e-15f, largest = 1e15f;
constexpr float infinite = std::numeric_limits<float>::infinity();

/// The next float above what `value` may be, after a few roundings in double.
float above(double value) {
    return std::nextafter(static_cast<float>(value * (1 + 1e-12)), infinite);
}

struct rounded {
    float scale = 0, squared = 0, error = 0;
};

/// `most` whole steps on each side of 0, to as many numbers as `from` has.
template <typename Whole>
rounded round_to(const embedding& from, int most, Whole* to) {
    float reach = 0;
    for (const float value : from) reach = std::max(reach, std::fabs(value));
    rounded one;
    if (reach >= smallest) one.scale = std::min(reach, largest) / static_cast<float>(most);
    const float inverse = one.scale > 0 ? 1 / one.scale : 0;
    const auto end = static_cast<float>(most);
    double lost = 0, steps = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const float step = std::nearbyint(std::clamp(from[i] * inverse, -end, end));
        to[i] = static_cast<Whole>(step);
        const double gap = static_cast<double>(from[i]) - static_cast<double>(one.scale) * step;
        lost += gap * gap;
        steps += static_cast<double>(step) * step;
    }
    one.squared = static_cast<float>(static_cast<double>(one.scale) * one.scale * steps);
    one.error = reach > largest ? infinite : above(std::sqrt(lost));
    return one;
}

}  // namespace

quantized_rows::quantized_rows(std::size_t dimension) : dimension_(dimension) {
    VULTUS_REQUIRE(limits::is_embedding_dimension(dimension), "a dimension of a model");
}

quantized_span quantized_rows::block(std::size_t begin, std::size_t count) const {
    VULTUS_REQUIRE(begin + count <= size(), "rows that are there");
    if (count == 0) return {nullptr, 0, dimension_};
    return {lines_[begin * dimension_ / sizeof(line)].c.data(), count, dimension_};
}

std::span<const std::int8_t> quantized_rows::row(std::size_t row) const {
    return {block(row, 1).c, dimension_};
}

void quantized_rows::reserve(std::size_t count) {
    lines_.reserve(count * dimension_ / sizeof(line));
    for (auto* numbers : {&scale, &squared, &error}) numbers->reserve(count);
}

std::int8_t* quantized_rows::append() {
    const std::size_t end = lines_.size();
    lines_.resize(end + dimension_ / sizeof(line));
    return lines_[end].c.data();
}

void quantized_rows::push_back(const embedding& vector) {
    VULTUS_REQUIRE(vector.size() == dimension_, "rows of one dimension");
    const rounded one = round_to(vector, 127, append());
    scale.push_back(one.scale);
    squared.push_back(one.squared);
    error.push_back(one.error);
}

void quantized_rows::push_back(const quantized_rows& from, std::size_t row) {
    VULTUS_REQUIRE(from.dimension_ == dimension_, "rows of one dimension");
    std::memcpy(append(), from.row(row).data(), dimension_);
    scale.push_back(from.scale[row]);
    squared.push_back(from.squared[row]);
    error.push_back(from.error[row]);
}

quantized_face::quantized_face(const embedding& vector) {
    VULTUS_REQUIRE(vector.size() <= v.size(), "a dimension of a model");
    const rounded one = round_to(vector, 32767, v.data());
    twice_scale = 2 * one.scale;
    squared = one.squared;
    error = one.error;
}

float quantized_reach(const quantized_face& face, float B) {
    return above(std::sqrt((static_cast<double>(B) + 1e-40) * (1 + 0x1p-17))) + face.error;
}

std::size_t not_farther(const quantized_rows& of, std::size_t begin, std::size_t count,
                        const quantized_face& face, const std::int32_t* dots, float reach,
                        std::uint32_t* kept) {
    VULTUS_REQUIRE(count <= quantized_block, "a block of rows");
    const float* scale = of.scale.data() + begin;
    const float* squared = of.squared.data() + begin;
    const float* error = of.error.data() + begin;
    const auto is_kept = [&](std::size_t i) {
        const float both = squared[i] + face.squared;
        const float left =
            both * (1 - 0x1p-19f) - scale[i] * face.twice_scale * static_cast<float>(dots[i]);
        const float sum = reach + error[i];
        return left > sum * sum * (1 + 0x1p-19f) ? 0 : 1;
    };
    int any = 0;  // most blocks have none, and this loop handles eight rows at a time
    for (std::size_t i = 0; i < count; ++i) any |= is_kept(i);
    std::size_t found = 0;
    for (std::size_t i = 0; any != 0 && i < count; ++i) {
        if (is_kept(i) != 0) kept[found++] = static_cast<std::uint32_t>(begin + i);
    }
    return found;
}

}  // namespace vultus
