// Where a face is in a photo, and the picture of it that goes into the network. Plain values that
// the detector, the aligner, the engine and the pipeline hand on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"

namespace vultus {

/// Pixels of the upright photo. All four edges belong to the box (as in dlib); a box may reach
/// outside the photo, as detected.
struct box {
    std::int32_t left = 0;
    std::int32_t top = 0;
    std::int32_t right = 0;
    std::int32_t bottom = 0;
    bool operator==(const box&) const = default;
    std::int64_t width() const { return std::int64_t{right} - left + 1; }
    std::int64_t height() const { return std::int64_t{bottom} - top + 1; }
};

/// A rectangle with parts of pixels. The far edges do not belong to it: the box of one pixel at the
/// corner of a picture is {0, 0, 1, 1}.
struct rectangle {
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;
    bool operator==(const rectangle&) const = default;
    double width() const { return right - left; }
    double height() const { return bottom - top; }
};

/// Pixels of the upright photo.
struct point {
    float x = 0;
    float y = 0;
    bool operator==(const point&) const = default;
};

/// The corners of both eyes, then the base of the nose; the order of the 5-point predictor.
using landmarks = std::array<point, 5>;

/// What the detectors that give points give: an eye, the other eye, the tip of the nose, a corner
/// of the mouth, the other one. Of an upright face the picture's left first.
using face_points = std::array<point, 5>;

/// An aligned face: side x side pixels, RGB, 8 bit, interleaved. The side is that of the network
/// that embeds it.
struct chip {
    static constexpr std::size_t bytes_of(std::size_t side) { return side * side * 3; }
    static constexpr std::size_t bytes = limits::chip_side * limits::chip_side * 3;  ///< dlib's
    std::vector<std::uint8_t> rgb;  ///< bytes_of(side) long
    std::uint32_t side = limits::chip_side;

    bool is_whole() const { return side > 0 && rgb.size() == bytes_of(side); }
    /// Whether a network for pictures of `wanted` x `wanted` pixels can take it.
    bool has_side(std::size_t wanted) const { return side == wanted && is_whole(); }
};

/// What a network makes of a chip: as many floats as its model has, compared by Euclidean distance
/// with others of the same model.
class embedding {
 public:
    embedding() = default;  ///< without floats: nothing was embedded
    /// Zeros. requires  limits::is_embedding_dimension(floats)
    explicit embedding(std::size_t floats) : floats_(floats) {
        VULTUS_REQUIRE(limits::is_embedding_dimension(floats), "a dimension of a model");
    }
    /// A copy. requires  limits::is_embedding_dimension(floats.size())
    explicit embedding(std::span<const float> floats) : floats_(floats.begin(), floats.end()) {
        VULTUS_REQUIRE(limits::is_embedding_dimension(floats.size()), "a dimension of a model");
    }

    std::size_t size() const noexcept { return floats_.size(); }
    float* data() noexcept { return floats_.data(); }
    const float* data() const noexcept { return floats_.data(); }
    float* begin() noexcept { return data(); }
    float* end() noexcept { return data() + size(); }
    const float* begin() const noexcept { return data(); }
    const float* end() const noexcept { return data() + size(); }
    float& operator[](std::size_t i) { return floats_[i]; }
    float operator[](std::size_t i) const { return floats_[i]; }
    bool operator==(const embedding&) const = default;

 private:
    std::vector<float> floats_;
};

}  // namespace vultus
