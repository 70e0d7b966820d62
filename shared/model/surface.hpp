// The surfaces: whose contract a request follows. Beside the native one there are those of other
// services, whose clients need nothing but another address (docs/compat.md). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vultus {

enum class surface : std::uint8_t { native, compreface, deepstack, nextcloud, immich };

/// Those that are not native.
inline constexpr std::array compat_surfaces{surface::compreface, surface::deepstack,
                                            surface::nextcloud, surface::immich};
/// Those whose clients present a key.
inline constexpr std::array keyed_surfaces{surface::compreface, surface::deepstack,
                                           surface::nextcloud};

std::string_view name_of(surface one) noexcept;

/// Of keyed_surfaces, by its name.
std::optional<surface> keyed_surface_named(std::string_view name) noexcept;

class surface_set {
 public:
    constexpr void add(surface one) { bits_ |= bit(one); }
    constexpr bool has(surface one) const { return (bits_ & bit(one)) != 0; }

 private:
    static constexpr std::uint8_t bit(surface one) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(one));
    }
    std::uint8_t bits_ = bit(surface::native);
};

}  // namespace vultus
