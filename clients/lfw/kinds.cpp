#include "clients/lfw/kinds.hpp"

#include <algorithm>
#include <cmath>

#include "shared/require.hpp"

namespace vultus::lfw {
namespace {

embedding scaled_to_1(embedding vector) {
    double squares = 0;
    for (const float value : vector) squares += double{value} * value;
    if (squares == 0) return vector;
    const double length = std::sqrt(squares);
    for (float& value : vector) value = static_cast<float>(value / length);
    return vector;
}

}  // namespace

std::string_view name_of(kind which) noexcept {
    switch (which) {
        case kind::plain:
            return "plain";
        case kind::mirror:
            return "mirror";
        case kind::unit:
            return "unit";
        case kind::mirror_unit:
            return "mirror_unit";
    }
    return "";
}

std::optional<kind> kind_named(std::string_view name) noexcept {
    for (const kind which : all_kinds) {
        if (name_of(which) == name) return which;
    }
    return std::nullopt;
}

bool needs_mirror(kind which) noexcept {
    return which == kind::mirror || which == kind::mirror_unit;
}

embedding of_kind(kind which, const raw_face& face) {
    embedding vector = face.chip;
    if (needs_mirror(which)) {
        for (std::size_t i = 0; i < vector.size(); ++i) {
            vector[i] = (vector[i] + face.mirror[i]) / 2;
        }
    }
    const bool unit = which == kind::unit || which == kind::mirror_unit;
    return unit ? scaled_to_1(vector) : vector;
}

chip mirrored(const chip& face) {
    VULTUS_REQUIRE(face.rgb.size() == chip::bytes, "a whole chip");
    constexpr std::size_t side = limits::chip_side;
    chip turned = face;
    for (std::size_t y = 0; y < side; ++y) {
        for (std::size_t x = 0; x < side; ++x) {
            const auto* from = &face.rgb[(y * side + side - 1 - x) * 3];
            std::copy(from, from + 3, &turned.rgb[(y * side + x) * 3]);
        }
    }
    return turned;
}

}  // namespace vultus::lfw
