// Identifies faces: exact nearest neighbours in a gallery, then a vote. Pure: the same gallery,
// faces and options give the same answer on every machine, ties included.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/gallery/gallery.hpp"
#include "workers/gallery/search.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

struct match_options {
    double distance_max = 0.55;  ///< 0 < d <= 2; a neighbour farther away has no vote. The default
                                 ///< of plain embeddings (engine/embedding_kind.hpp)
    double margin_min = 0.05;    ///< share of the votes by which the winner must lead, 0..1
    int k = 3;                   ///< neighbours that vote, 1..100; with one photo for each person
                                 ///< 3 works like 1, because nearer neighbours weigh more
    int top = 0;  ///< candidates: so many of the nearest people, however far, 1..100;
                  ///< 0: those that got votes
};

enum class match_status { unknown, known, ambiguous };
std::string_view name_of(match_status) noexcept;

struct candidate {
    std::string label;
    double distance = 0;  ///< of this label's nearest face
    std::string face_id;  ///< that face
    bool operator==(const candidate&) const = default;
};

struct match {
    match_status status = match_status::unknown;
    std::string label;                  ///< known, ambiguous: of the winner
    std::string face_id;                ///< known only: the winner's nearest face
    std::optional<double> distance;     ///< known, ambiguous: of the winner's nearest face;
                                        ///< unknown: of the nearest face there is, if any
    double margin = 0;                  ///< the winner's lead, share of the votes, 0..1
    std::vector<candidate> candidates;  ///< labels that got votes, or the `top` nearest; the
                                        ///< nearest first
    bool operator==(const match&) const = default;
};

/// Limits: rows examined to find the k that vote, and candidates in an answer.
constexpr std::size_t neighbours_max = 4'096, candidates_max = 100;

/// Matches faces against a gallery: the k nearest within distance_max vote for their label with
/// weight 1 - d / distance_max. No face within it: unknown. A lead below margin_min: ambiguous.
/// Equal votes: the nearer label first, then the smaller text. Equal vectors of one label have one
/// vote, and every face as near as the k-th votes too; so neither the order of training nor a photo
/// that was trained twice changes an answer, except for the face_id.
/// With `top` the nearest people are those among the neighbours_max nearest faces, so there may be
/// fewer where single people have thousands.
/// requires  options in their ranges; faces of the gallery's dimension, or a gallery without faces
/// returns   one match per face, in order
/// threads   any; all faces share one pass over the gallery's memory
std::vector<match> match_faces(const gallery&, std::span<const embedding> faces,
                               const match_options&, const search_options& = {});

/// Euclidean distance. requires  the same dimension
float distance_between(const embedding&, const embedding&) noexcept;

}  // namespace vultus
