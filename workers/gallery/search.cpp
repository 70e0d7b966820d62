// A block of 8-bit rows is compared with all faces. Rows that may be among the k nearest of a face
// are compared again in float32 at once, so the k nearest so far are always exact.
#include "workers/gallery/search.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <utility>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr std::size_t lanes = 16;
static_assert(std::ranges::all_of(limits::embedding_dimensions,
                                  [](std::size_t floats) { return floats % lanes == 0; }),
              "a vector is whole steps of 16 lanes");

bool nearer(const neighbour& a, const neighbour& b) {
    if (a.squared != b.squared) return a.squared < b.squared;
    return a.face_id() < b.face_id();
}

/// The k nearest so far; a heap whose first element is the farthest of them.
class nearest {
 public:
    explicit nearest(std::size_t k) : k_(k) {}

    void offer(const neighbour& one) {
        if (kept_.size() == k_) {
            if (one.squared > kept_.front().squared || !nearer(one, kept_.front())) return;
            std::pop_heap(kept_.begin(), kept_.end(), nearer);
            kept_.pop_back();
        }
        kept_.push_back(one);
        std::push_heap(kept_.begin(), kept_.end(), nearer);
    }

    /// A row farther than this is not among the k.
    float farthest() const {
        return kept_.size() == k_ ? kept_.front().squared : std::numeric_limits<float>::infinity();
    }

    const std::vector<neighbour>& kept() const { return kept_; }

    std::vector<neighbour> sorted() && {
        std::sort_heap(kept_.begin(), kept_.end(), nearer);
        return std::move(kept_);
    }

 private:
    std::size_t k_;
    std::vector<neighbour> kept_;
};

/// The segments begin..end of a gallery and what was found there.
struct part_of_search {
    std::size_t begin = 0, end = 0;
    std::vector<nearest> found;  ///< of each face
    std::vector<float> reach;    ///< of each face, for the farthest that was found
    std::uint64_t compared = 0;
};

class pass {
 public:
    pass(const gallery& known, std::span<const embedding> faces, quantized_products products)
        : known_(known),
          faces_(faces),
          quantized_(faces.begin(), faces.end()),
          products_(products) {}

    void over(part_of_search& part) const {
        std::vector<std::int32_t> dots(faces_.size() * quantized_block);
        for (std::size_t face = 0; face < faces_.size(); ++face) {
            part.reach.push_back(quantized_reach(quantized_[face], part.found[face].farthest()));
        }
        for (std::size_t at = part.begin; at < part.end; ++at) {
            const gallery_segment& segment = *known_.segments[at];
            for (std::size_t row = 0; row < segment.rows(); row += quantized_block) {
                const std::size_t count = std::min(quantized_block, segment.rows() - row);
                products_(segment.quantized.block(row, count), quantized_, dots.data());
                for (std::size_t face = 0; face < faces_.size(); ++face) {
                    look_closely(segment, row, count, face, &dots[face * quantized_block], part);
                }
            }
        }
    }

 private:
    void look_closely(const gallery_segment& segment, std::size_t row, std::size_t count,
                      std::size_t face, const std::int32_t* dots, part_of_search& part) const {
        nearest& found = part.found[face];
        std::array<std::uint32_t, quantized_block> kept;
        const std::size_t number = not_farther(segment.quantized, row, count, quantized_[face],
                                               dots, part.reach[face], kept.data());
        for (std::size_t i = 0; i < number; ++i) {
            if (segment.is_removed(kept[i])) continue;
            ++part.compared;
            const float squared = squared_distance(
                faces_[face].data(), segment.vector(kept[i]).data(), segment.dimension());
            found.offer({squared, &segment, kept[i]});
        }
        if (number > 0) part.reach[face] = quantized_reach(quantized_[face], found.farthest());
    }

    const gallery& known_;
    std::span<const embedding> faces_;
    std::vector<quantized_face> quantized_;
    quantized_products products_;
};

std::size_t parts_for(const gallery& known, const search_options& options) {
    if (!options.run) return 1;
    const std::size_t worth = std::max<std::size_t>(known.faces / faces_per_part_min, 1);
    return std::min({std::max<std::size_t>(options.parts, 1), worth, known.segments.size() + 1});
}

/// The number of floats known to the compiler.
template <std::size_t Floats>
float squared_distance_of(const float* a, const float* b) noexcept {
    float sums[lanes] = {};
    for (std::size_t at = 0; at < Floats; at += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const float gap = a[at + lane] - b[at + lane];
            sums[lane] += gap * gap;
        }
    }
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
        for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
    }
    return sums[0];
}

}  // namespace

float squared_distance(const float* a, const float* b, std::size_t floats) noexcept {
    static_assert(limits::embedding_dimensions == std::array<std::size_t, 3>{128, 256, 512});
    if (floats == 128) return squared_distance_of<128>(a, b);
    if (floats == 256) return squared_distance_of<256>(a, b);
    VULTUS_REQUIRE(floats == 512, "a dimension of a model");
    return squared_distance_of<512>(a, b);
}

std::vector<std::vector<neighbour>> nearest_faces(const gallery& known,
                                                  std::span<const embedding> faces, std::size_t k,
                                                  const search_options& options) {
    VULTUS_REQUIRE(k >= 1, "at least one neighbour");
    VULTUS_REQUIRE(std::ranges::all_of(faces,
                                       [&](const embedding& one) {
                                           return known.faces == 0 || one.size() == known.dimension;
                                       }),
                   "faces of the gallery's dimension");
    std::vector<part_of_search> parts(parts_for(known, options));
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].begin = known.segments.size() * i / parts.size();
        parts[i].end = known.segments.size() * (i + 1) / parts.size();
        parts[i].found.assign(faces.size(), nearest(k));
    }
    const pass whole(known, faces, options.products);
    if (parts.size() == 1) {
        whole.over(parts[0]);
    } else {
        options.run(parts.size(), [&](std::size_t i) { whole.over(parts[i]); });
    }
    std::vector<std::vector<neighbour>> answers;
    for (std::size_t face = 0; face < faces.size(); ++face) {
        for (std::size_t i = 1; i < parts.size(); ++i) {
            for (const neighbour& one : parts[i].found[face].kept()) {
                parts[0].found[face].offer(one);
            }
        }
        answers.push_back(std::move(parts[0].found[face]).sorted());
    }
    if (options.compared != nullptr) {
        for (const part_of_search& part : parts) *options.compared += part.compared;
    }
    return answers;
}

}  // namespace vultus
