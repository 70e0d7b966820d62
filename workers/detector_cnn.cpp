// dlib's convolutional face detector (max-margin object detection). One of the three files that
// include dlib. The type below is the file's format: the layers of mmod_human_face_detector.dat.
// source    the network that the file was saved from, as its own header (a serialised type) demands
#include <dlib/dnn.h>

#include "workers/detector.hpp"
#include "workers/dlib_pixels.hpp"

namespace vultus {
namespace {

template <long Filters, typename Below>
using shrink = dlib::con<Filters, 5, 5, 2, 2, Below>;
template <long Filters, typename Below>
using look = dlib::relu<dlib::affine<dlib::con<Filters, 5, 5, 1, 1, Below>>>;
template <typename Below>
using eighth = dlib::relu<dlib::affine<
    shrink<32, dlib::relu<dlib::affine<shrink<32, dlib::relu<dlib::affine<shrink<16, Below>>>>>>>>>;

using face_network = dlib::loss_mmod<dlib::con<
    1, 9, 9, 1, 1,
    look<45, look<45, look<45, eighth<dlib::input_rgb_image_pyramid<dlib::pyramid_down<6>>>>>>>>;

class cnn_detector final : public detector {
 public:
    explicit cnn_detector(const face_network& network) : network_(network) {}
    std::string_view name() const noexcept override { return "cnn"; }
    std::unique_ptr<detector> clone() const override {
        return std::make_unique<cnn_detector>(network_);
    }

 protected:
    std::vector<detected_face> find(const image& picture) override {
        std::vector<detected_face> faces;
        for (const dlib::mmod_rect& one :
             network_(dlib_picture_of(picture.rgb.data(), picture.width, picture.height))) {
            faces.push_back({box_of(one.rect), one.detection_confidence});
        }
        return faces;
    }

 private:
    face_network network_;
};

}  // namespace

result<std::unique_ptr<detector>> load_cnn_detector(const std::string& file) {
    try {
        face_network network;
        dlib::deserialize(file) >> network;
        return std::unique_ptr<detector>(std::make_unique<cnn_detector>(network));
    } catch (const std::exception&) {
        return fail(errc::malformed, "the detector model cannot be read");
    }
}

}  // namespace vultus
