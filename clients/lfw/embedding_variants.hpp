// The four kinds of embedding out of two passes of the network: what it says of a face and of its
// mirror image. A worker computes one kind; comparing all of them needs each pass once only. Pure.
#pragma once

#include <array>

#include "workers/engine/embedding_kind.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus::lfw {

inline constexpr std::array all_kinds{embedding_kind::plain, embedding_kind::mirror,
                                      embedding_kind::unit, embedding_kind::mirror_unit};

/// True if the kind is made of the mirror image, too.
bool needs_mirror(embedding_kind) noexcept;

/// What the network says of a face and of its mirror image.
struct raw_face {
    embedding chip{};
    embedding mirror{};  ///< zeros where nobody asked for it
};

/// The same that with_kind() makes of the face, held to it by a test.
embedding of_kind(embedding_kind, const raw_face&);

}  // namespace vultus::lfw
