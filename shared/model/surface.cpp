// See surface.hpp.
#include "shared/model/surface.hpp"

namespace vultus {

std::string_view name_of(surface one) noexcept {
    switch (one) {
        case surface::native:
            return "native";
        case surface::compreface:
            return "compreface";
        case surface::deepstack:
            return "deepstack";
        case surface::nextcloud:
            return "nextcloud";
        case surface::immich:
            return "immich";
    }
    return "";
}

std::optional<surface> keyed_surface_named(std::string_view name) noexcept {
    for (const surface one : keyed_surfaces) {
        if (name_of(one) == name) return one;
    }
    return std::nullopt;
}

}  // namespace vultus
