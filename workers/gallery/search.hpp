// The nearest faces of a gallery: exact Euclidean distance in float32, after a prefilter of 8-bit
// rows that skips only rows that cannot be among them (quantized.hpp). Pure: the same gallery and
// faces give the same neighbours on every machine, ties included.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "workers/gallery/gallery.hpp"
#include "workers/gallery/quantized.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

struct neighbour {
    float squared = 0;  ///< distance, in the order of sums of squared_distance()
    const gallery_segment* segment = nullptr;
    std::size_t row = 0;

    const std::string& face_id() const { return segment->face_ids[row]; }
    const std::string& label() const { return *segment->labels[row]; }
    double distance() const { return std::sqrt(static_cast<double>(squared)); }
};

/// Calls part(0) .. part(parts - 1), in any order or at once, and returns when all are done.
using run_parts =
    std::function<void(std::size_t parts, const std::function<void(std::size_t)>& part)>;

struct search_options {
    quantized_products products = quantized_kernels().back().products;
    std::size_t parts = 1;              ///< a large gallery is split into at most so many
    run_parts run = nullptr;            ///< needed for more than one part
    std::uint64_t* compared = nullptr;  ///< if given: how many float32 distances were computed
};

/// Galleries of fewer faces than this, times parts, are not split: starting threads costs more.
constexpr std::size_t faces_per_part_min = 65'536;

/// For each face its k nearest rows that are not removed, nearest first; at equal distances the
/// smaller face_id first. Fewer than k if the gallery has fewer.
/// requires  k >= 1; faces of the gallery's dimension, or a gallery without faces
/// threads   any; all faces share one pass over the gallery's memory
std::vector<std::vector<neighbour>> nearest_faces(const gallery&, std::span<const embedding> faces,
                                                  std::size_t k, const search_options& = {});

/// Summed in 16 lanes, so that any vector unit computes the same bits.
/// requires  limits::is_embedding_dimension(floats)
float squared_distance(const float* a, const float* b, std::size_t floats) noexcept;

}  // namespace vultus
