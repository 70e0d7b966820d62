#include "workers/vision/face_picture.hpp"

#include "shared/base/require.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/image/image.hpp"

namespace vultus {

result<std::string> face_picture(const chip& face) {
    VULTUS_REQUIRE(face.rgb.size() == chip::bytes, "a chip is whole");
    image whole(limits::chip_side, limits::chip_side);
    whole.rgb = face.rgb;
    const image small = resized(whole, limits::picture_side, limits::picture_side);
    for (const int quality : {85, 60, 30}) {
        auto file = encode_jpeg(small, quality);
        if (!file || file->size() <= limits::picture_bytes) return file;
    }
    return fail(errc::internal, "picture of a face exceeds its size limit");
}

}  // namespace vultus
