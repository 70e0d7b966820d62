// Compares every face with every other. A list of some hundred pairs cannot measure one false
// acceptance in ten thousand; the millions of pairs of the same photos can. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "workers/geometry/geometry.hpp"

namespace vultus {

struct numbered_face {
    embedding vector;
    std::uint32_t person = 0;  ///< people are numbered from 0
};

struct genuine_pair {
    float distance = 0;
    std::uint32_t person = 0;
};

struct impostor_pair {
    float distance = 0;
    std::uint32_t first = 0, second = 0;  ///< faces, in the order of compare_all's argument
};

struct all_pairs {
    std::vector<std::uint32_t> person_of;  ///< of each face
    std::vector<std::uint32_t> faces_of;   ///< of each person; 0 for a number that nobody has
    std::vector<genuine_pair> genuine;     ///< two faces of one person; the nearest first
    std::vector<impostor_pair> impostors;  ///< of two people: the nearest of them, nearest first
    std::uint64_t impostors_all = 0;       ///< all there are, kept or not

    bool whole() const { return impostors.size() == impostors_all; }
};

/// Compares all faces. Keeps the nearest 5 % of the impostor pairs, at least `keep_min` if there
/// are that many: no rate needs more, and all pairs of the 13,233 photos of LFW would take 1 GB.
/// requires  faces of one dimension
/// threads   blocks: about 0.2 s for 3,700 faces on one core
/// `each`, if given, is called for every pair, kept or not, with the indexes of its faces.
using on_pair = std::function<void(std::uint32_t first, std::uint32_t second, float distance)>;
all_pairs compare_all(std::span<const numbered_face> faces, std::size_t keep_min = 500'000,
                      const on_pair& each = {});

/// How many of `count` may be accepted at that rate: floor(far * count), also where floating point
/// rounded the product down.
std::size_t accepted_at(double far, double count);

/// The largest threshold that does not accept `distance`.
float just_below(float distance);

/// The largest distance that accepts at most `far` of all impostor pairs; infinity if that is all
/// of them. requires  0 <= far <= 1; the pairs kept reach that far
float distance_at_far(const all_pairs&, double far);

/// Share of impostor pairs within `distance`. requires  the pairs kept reach that far
double far_at(const all_pairs&, float distance);

/// Share of genuine pairs within `distance`; nothing if there are none.
std::optional<double> tar_at(const all_pairs&, float distance);

struct roc_point {
    double far = 0;
    double tar = 0;
};

/// The curve at `points` rates from far_min to far_max, evenly spaced by their logarithm. Empty if
/// there are no genuine or no impostor pairs. requires  0 < far_min < far_max <= 0.05; points >= 2
std::vector<roc_point> roc_of(const all_pairs&, double far_min, double far_max, int points);

}  // namespace vultus
