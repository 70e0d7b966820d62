// The four variants of the embedding (embedding_kind) from two passes of the network, of a face and
// of its mirror image. A worker computes one variant; here each pass runs once for all of them.
// Pure.
#pragma once

#include <array>

#include "workers/engine/embedding_kind.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus::lfw {

inline constexpr std::array all_variants{embedding_kind::plain, embedding_kind::mirror,
                                         embedding_kind::unit, embedding_kind::mirror_unit};

/// Whether the variant also needs the mirror image.
bool needs_mirror(embedding_kind) noexcept;

/// The network's output for a face and for its mirror image.
struct raw_face {
    embedding chip{};
    embedding mirror{};  ///< without floats if not requested
};

/// The same as with_kind() of the face; a test compares them.
embedding of_kind(embedding_kind, const raw_face&);

}  // namespace vultus::lfw
