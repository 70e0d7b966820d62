// What of one face is compared: the vectors of several embedders. The four variants of dlib's
// (embedding_kind) come from two passes of its network, of a face and of its mirror image. A worker
// computes one variant; here each pass runs once for all of them. Pure.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "workers/engine/embedding_kind.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/vision/face_quality.hpp"

namespace vultus::lfw {

inline constexpr std::array all_variants{embedding_kind::plain, embedding_kind::mirror,
                                         embedding_kind::unit, embedding_kind::mirror_unit};

/// Whether the variant also needs the mirror image.
bool needs_mirror(embedding_kind) noexcept;

/// The output of dlib's network for a face and for its mirror image, and other embedders' vectors.
struct raw_face {
    embedding chip{};
    embedding mirror{};                                      ///< without floats if not requested
    std::map<std::string, embedding, std::less<>> others{};  ///< by the embedder's name
    face_quality quality{};                                  ///< not of a service
};

/// The same as with_kind() of the face; a test compares them.
embedding of_kind(embedding_kind, const raw_face&);

/// The kind of dlib's network that this embedder is; nothing for any other.
std::optional<embedding_kind> dlib_kind(std::string_view embedder);
/// The vector of that embedder. requires  the face has it
embedding of_embedder(std::string_view embedder, const raw_face&);
/// As reports name it: the kind of dlib's network, else the whole name.
std::string shown_name(std::string_view embedder);

}  // namespace vultus::lfw
