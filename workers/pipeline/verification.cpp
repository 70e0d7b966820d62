// See verification.hpp.
#include "workers/pipeline/verification.hpp"

#include <cmath>

#include "shared/base/require.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/gallery/search.hpp"

namespace vultus {
namespace {

void decide(verification& made, double distance_max) {
    made.same = made.distance && *made.distance <= distance_max;
}

/// The rows of a person. One text is shared by all faces of a label, so that only the first row of
/// another person costs more than a comparison of pointers.
template <class Take>
void for_each_face(const gallery& known, std::string_view label, Take take) {
    const std::string* text = nullptr;
    for (const auto& segment : known.segments) {
        for (std::size_t row = 0; row < segment->rows(); ++row) {
            if (segment->is_removed(row)) continue;
            const std::string* here = segment->labels[row].get();
            if (text == nullptr && *here == label) text = here;
            if (text != nullptr && here == text) take(*segment, row);
        }
    }
}

}  // namespace

verification compare(std::span<const embedding> first, std::span<const embedding> second,
                     double distance_max) {
    VULTUS_REQUIRE(distance_max > 0 && distance_max <= 2, "0 < distance_max <= 2");
    verification made;
    for (std::size_t i = 0; i < first.size(); ++i) {
        for (std::size_t k = 0; k < second.size(); ++k) {
            ++made.comparisons;
            const double distance = distance_between(first[i], second[k]);
            if (made.distance && distance >= *made.distance) continue;
            made.distance = distance;
            made.face = i;
            made.other_face = k;
        }
    }
    decide(made, distance_max);
    return made;
}

verification compare(std::span<const embedding> faces, const gallery& known, std::string_view label,
                     double distance_max) {
    VULTUS_REQUIRE(distance_max > 0 && distance_max <= 2, "0 < distance_max <= 2");
    verification made;
    made.label = label;
    for_each_face(known, label, [&](const gallery_segment& segment, std::size_t row) {
        ++made.faces_of_person;
        const auto trained = segment.vector(row);
        for (std::size_t i = 0; i < faces.size(); ++i) {
            VULTUS_REQUIRE(faces[i].size() == trained.size(), "embeddings of one model");
            ++made.comparisons;
            const double distance = std::sqrt(static_cast<double>(
                squared_distance(faces[i].data(), trained.data(), trained.size())));
            const bool nearer = !made.distance || distance < *made.distance ||
                                (distance == *made.distance && i == made.face &&
                                 segment.face_ids[row] < made.face_id);
            if (!nearer) continue;
            made.distance = distance;
            made.face = i;
            made.face_id = segment.face_ids[row];
        }
    });
    decide(made, distance_max);
    return made;
}

}  // namespace vultus
