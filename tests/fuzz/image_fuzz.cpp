// libFuzzer target: looking into a photo, and decoding it. What the header promises, the picture
// must keep; pictures of many pixels are looked into only, so that the fuzzer stays quick.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/limits.hpp"
#include "shared/require.hpp"
#include "workers/image.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto header = vultus::inspect_image(bytes);
    if (!header) return 0;
    const std::uint64_t pixels = std::uint64_t{header->width} * header->height;
    VULTUS_REQUIRE(pixels >= 1 && pixels <= vultus::limits::pixels, "within the limit");
    const int orientation = vultus::exif_orientation(header->exif);
    VULTUS_REQUIRE(orientation >= 1 && orientation <= 8, "one of eight");
    if (pixels > 250'000) return 0;
    const auto decoded = vultus::decode_image(bytes);
    if (!decoded) return 0;
    const bool turned = orientation >= 5;
    VULTUS_REQUIRE(decoded->picture.width == (turned ? header->height : header->width), "width");
    VULTUS_REQUIRE(decoded->picture.rgb.size() == pixels * 3, "all pixels");
    return 0;
}
