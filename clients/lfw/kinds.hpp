// The four embeddings that two passes of the network give: of a face and of its mirror image. Pure.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "workers/geometry.hpp"

namespace vultus::lfw {

enum class kind { plain, mirror, unit, mirror_unit };

inline constexpr std::array all_kinds{kind::plain, kind::mirror, kind::unit, kind::mirror_unit};

/// The enumerator's own spelling.
std::string_view name_of(kind) noexcept;
std::optional<kind> kind_named(std::string_view name) noexcept;

/// True if the kind is made of the mirror image, too.
bool needs_mirror(kind) noexcept;

/// What the network says of a face and of its mirror image.
struct raw_face {
    embedding chip{};
    embedding mirror{};  ///< zeros where nobody asked for it
};

/// plain: the output for the chip · mirror: the mean of both outputs · unit, mirror_unit: these,
/// scaled to length 1 (zeros stay zeros)
embedding of_kind(kind, const raw_face&);

/// Left and right exchanged. requires  a whole chip
chip mirrored(const chip&);

}  // namespace vultus::lfw
