// Finds faces. Four detectors behind one interface: `hog` and `cnn` by dlib look with an 80 px
// window; `centerface` and `yunet` see faces of 20 px and more, and tell five points of each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// Faces that lie on their side or stand on their head; `hog` and `cnn` take it as `upright`.
enum class turning {
    upright,  ///< only as far as the network finds them in the picture as it is
    if_none,  ///< if that finds nobody, the picture is also looked at turned by each quarter
    all       ///< always
};

struct detector_options {
    int min_face_px = 40;         ///< smallest face to find, pixels of the photo, 10..2000
    int detect_side_max = 2'000;  ///< hog, cnn: longest side of the picture that they see
    turning turns = turning::upright;
};

struct detected_face {
    box where;
    /// Confidence, larger is surer. centerface, yunet: 0..1, at least their threshold. hog, cnn:
    /// dlib's, above 0 and without a bound; the two differ.
    double score = 0;
    std::optional<face_points> points = {};  ///< centerface, yunet; pixels of the photo
    int quarters = 0;                        ///< turned clockwise so often it is upright, 0..3
};

struct picture_size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    bool operator==(const picture_size&) const = default;
};

/// The size at which a photo is looked at.
struct detection_scale {
    picture_size seen;
    int min_face_px = 0;   ///< smallest face that is found at that size, pixels of the photo
    bool limited = false;  ///< larger than asked for: the photo is too large
    bool operator==(const detection_scale&) const = default;
};

struct detected_faces {
    std::vector<detected_face> faces;  ///< the largest first
    bool truncated = false;            ///< there were more than limits::faces_per_image
    int min_face_px = 0;               ///< that was searched for: detection_scale's
    bool limited = false;
};

/// How dlib's 5-point predictor wants a detector's boxes: a square of `side` times the root of the
/// box's area, its middle moved by these parts of that root. side 0: the box as it is.
struct predictor_fit {
    double side = 0;
    double right = 0;
    double down = 0;
    /// The detector's own points gain from dlib's landmarks beside them (align_face in
    /// face_chip.hpp).
    bool beside_points = false;
    rectangle operator()(const rectangle& where) const;
};

/// The size for `hog` and `cnn`: both sides by 80 / min_face_px, capped so that neither is longer
/// than detect_side_max. requires  1 <= width, height; 10 <= min_face_px <= 2000;
/// detect_side_max >= 80
picture_size detection_size(std::uint32_t width, std::uint32_t height, const detector_options&);

/// threads   one at a time; one object per thread (clone())
class detector {
 public:
    virtual ~detector() = default;
    /// One of detector_names (shared/model/job.hpp), as in the answer's `models.detector`.
    virtual std::string_view name() const noexcept = 0;
    /// Another one like this, for another thread. Cheaper than loading the file again.
    virtual std::unique_ptr<detector> clone() const = 0;
    /// requires  a photo with pixels, options in range
    virtual detection_scale scale_for(picture_size photo, const detector_options&) const = 0;
    virtual predictor_fit fit() const { return {}; }
    /// returns   boxes in pixels of the photo, largest first; the same for the same input
    /// threads   blocks for the detection
    detected_faces detect(const image& photo, const detector_options& options) {
        return detect(photo, {photo.width, photo.height}, options);
    }
    /// The same with a smaller picture of that photo, not smaller than scale_for() says.
    detected_faces detect(const image& picture, picture_size photo, const detector_options&);

 protected:
    /// The faces of a picture that is to be looked at in the size `seen`, in pixels of the photo.
    virtual std::vector<detected_face> search(const image& picture, picture_size photo,
                                              picture_size seen, turning turns) = 0;
};

/// One that slides a window of 80 px over a picture and smaller ones of it: `hog` and `cnn`. Finds
/// nobody where the resized photo is narrower than 40 px.
class window_detector : public detector {
 public:
    detection_scale scale_for(picture_size photo, const detector_options&) const override;

 protected:
    /// The faces of a picture that has its detection size already, in pixels of that picture.
    virtual std::vector<detected_face> find(const image& picture) = 0;
    /// The faces of a picture that is to be looked at in that size, in pixels of that size. Resizes
    /// (resize.hpp) unless it has it, and finds; a backend that resizes by itself does that.
    virtual std::vector<detected_face> look(const image& picture, picture_size seen);
    std::vector<detected_face> search(const image& picture, picture_size photo, picture_size seen,
                                      turning turns) override;
};

std::unique_ptr<detector> make_hog_detector();

/// errors    undecodable_image never; malformed if the file is not the detector's
result<std::unique_ptr<detector>> load_cnn_detector(const std::string& file);

}  // namespace vultus
