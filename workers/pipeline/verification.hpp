// Compares faces one by one, without a vote: those of two photos, or those of one with the trained
// faces of a person. The pair with the smallest distance answers. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workers/gallery/gallery.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

struct verification {
    bool same = false;                     ///< the distance is within the one that is allowed
    std::optional<double> distance;        ///< smallest of all pairs; nothing: there is no pair
    std::size_t comparisons = 0;           ///< how many pairs there are
    std::size_t face = 0;                  ///< that pair: index in the first photo
    std::size_t other_face = 0;            ///< index in the second photo
    std::string face_id = {}, label = {};  ///< instead of it, of a person: the trained face
    std::size_t faces_of_person = 0;
};

/// Of equally near pairs the first.
/// requires  embeddings of one model; 0 < distance_max <= 2
verification compare(std::span<const embedding> first, std::span<const embedding> second,
                     double distance_max);

/// Without a person of that name there is no pair. Of equally near faces the smaller face_id.
/// requires  faces of the gallery's dimension, or a gallery without faces
verification compare(std::span<const embedding> faces, const gallery& known, std::string_view label,
                     double distance_max);

}  // namespace vultus
