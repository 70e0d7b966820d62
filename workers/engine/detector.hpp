// Finds faces. Two detectors by dlib behind one interface: `hog` (fast on a CPU, faces looking into
// the camera) and `cnn` (slower, more angles). Both look with an 80 px window, so the smallest face
// wanted gives the one resize that they do.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

struct detector_options {
    int min_face_px = 40;         ///< smallest face to find, pixels of the photo, 10..2000
    int detect_side_max = 2'000;  ///< longest side of the picture that the detector sees
};

struct detected_face {
    box where;
    double score = 0;  ///< confidence; larger is surer, above 0 by default; hog and cnn differ
};

struct detected_faces {
    std::vector<detected_face> faces;  ///< the largest first
    bool truncated = false;            ///< there were more than limits::faces_per_image
};

struct picture_size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    bool operator==(const picture_size&) const = default;
};

/// The size at which a photo is looked at: both sides by 80 / min_face_px, capped so that neither
/// is longer than detect_side_max. requires  1 <= width, height; 10 <= min_face_px <= 2000;
/// detect_side_max >= 80
picture_size detection_size(std::uint32_t width, std::uint32_t height, const detector_options&);

/// threads   one at a time; one object per thread (clone())
class detector {
 public:
    virtual ~detector() = default;
    /// "hog" or "cnn", as in the answer's `models.detector`.
    virtual std::string_view name() const noexcept = 0;
    /// Another one like this, for another thread. Cheaper than loading the file again.
    virtual std::unique_ptr<detector> clone() const = 0;
    /// returns   boxes in pixels of the photo, largest first; the same for the same input. None if
    ///           the resized photo is narrower than 40 px
    /// threads   blocks for the detection
    detected_faces detect(const image& photo, const detector_options& options) {
        return detect(photo, {photo.width, photo.height}, options);
    }
    /// The same with a smaller picture of that photo, not smaller than detection_size() says.
    detected_faces detect(const image& picture, picture_size photo, const detector_options&);

 protected:
    /// The faces of a picture that has its detection size already, in pixels of that picture.
    virtual std::vector<detected_face> find(const image& picture) = 0;
    /// The faces of a picture that is to be looked at in that size, in pixels of that size. Resizes
    /// (resize.hpp) unless it has it, and finds; a backend that resizes by itself does that.
    virtual std::vector<detected_face> look(const image& picture, picture_size seen);
};

std::unique_ptr<detector> make_hog_detector();

/// errors    undecodable_image never; malformed if the file is not the detector's
result<std::unique_ptr<detector>> load_cnn_detector(const std::string& file);

}  // namespace vultus
