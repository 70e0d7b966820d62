// dlib's frontal face detector (HOG) and everything between a box and a chip: landmarks, crop,
// jitter. One of the three files that include dlib; its templates take half a minute to compile.
#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/image_transforms.h>
#include <dlib/rand.h>

#include <fstream>
#include <mutex>

#include "shared/base/require.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/dlib_pixels.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {
namespace {

class hog_detector final : public window_detector {
 public:
    hog_detector() : scanner_(dlib::get_frontal_face_detector()) {}
    std::string_view name() const noexcept override { return "hog"; }
    std::unique_ptr<detector> clone() const override {
        return std::make_unique<hog_detector>(*this);
    }

 protected:
    std::vector<detected_face> find(const image& picture) override {
        std::vector<dlib::rect_detection> found;
        scanner_(dlib_picture_of(picture.rgb.data(), picture.width, picture.height), found);
        std::vector<detected_face> faces;
        for (const dlib::rect_detection& one : found) {
            faces.push_back({box_of(one.rect), one.detection_confidence});
        }
        return faces;
    }

 private:
    dlib::frontal_face_detector scanner_;
};

}  // namespace

std::unique_ptr<detector> make_hog_detector() {
    return std::make_unique<hog_detector>();
}

struct aligner::predictor {
    dlib::shape_predictor shape;
};

aligner::aligner(std::unique_ptr<const predictor> loaded) : predictor_(std::move(loaded)) {}
aligner::aligner(aligner&&) noexcept = default;
aligner& aligner::operator=(aligner&&) noexcept = default;
aligner::~aligner() = default;

result<aligner> aligner::load(const std::string& file) {
    try {
        auto loaded = std::make_unique<predictor>();
        dlib::deserialize(file) >> loaded->shape;
        if (loaded->shape.num_parts() != landmarks{}.size()) {
            return fail(errc::malformed, "landmark model does not have five points");
        }
        return aligner(std::move(loaded));
    } catch (const std::exception&) {
        return fail(errc::malformed, "landmark model cannot be read");
    }
}

namespace {

dlib::full_object_detection found_in(const dlib::shape_predictor& predictor,
                                     const dlib_picture& photo, const box& where) {
    return predictor(photo, dlib::rectangle(where.left, where.top, where.right, where.bottom));
}

landmarks as_ours(const dlib::full_object_detection& shape) {
    landmarks points;
    for (unsigned long i = 0; i < shape.num_parts(); ++i) {
        points[i] = {static_cast<float>(shape.part(i).x()), static_cast<float>(shape.part(i).y())};
    }
    return points;
}

}  // namespace

landmarks aligner::points_of(const image& photo, const box& where) const {
    VULTUS_REQUIRE(photo.width > 0 && photo.height > 0, "a photo has pixels");
    const auto picture = dlib_picture_of(photo.rgb.data(), photo.width, photo.height);
    return as_ours(found_in(predictor_->shape, picture, where));
}

aligned_face aligner::align(const image& photo, const box& where) const {
    VULTUS_REQUIRE(photo.width > 0 && photo.height > 0, "a photo has pixels");
    const auto picture = dlib_picture_of(photo.rgb.data(), photo.width, photo.height);
    const auto shape = found_in(predictor_->shape, picture, where);
    dlib_picture crop;
    dlib::extract_image_chip(picture, dlib::get_face_chip_details(shape, limits::chip_side, 0.25),
                             crop);
    return {as_ours(shape), chip_of(crop)};
}

std::vector<chip> jittered(const chip& face, int count) {
    VULTUS_REQUIRE(count >= 1 && count <= 100, "1 to 100 copies");
    VULTUS_REQUIRE(face.is_whole(), "a whole chip");
    if (count == 1) return {face};
    const auto picture = dlib_picture_of(face.rgb.data(), face.side, face.side);
    dlib::rand random;  // its seed is fixed: the same photo gives the same vector
    std::vector<chip> copies;
    for (int i = 0; i < count; ++i) copies.push_back(chip_of(dlib::jitter_image(picture, random)));
    return copies;
}

}  // namespace vultus
