// dlib's convolutional face detector (max-margin object detection). One of the files that include
// dlib.
#include <dlib/dnn.h>

#include "workers/engine/detector.hpp"
#include "workers/engine/dlib_networks.hpp"
#include "workers/engine/dlib_pixels.hpp"

namespace vultus {
namespace {

using face_network = dlib_networks::detector;

class cnn_detector final : public window_detector {
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
        return fail(errc::malformed, "detector model cannot be read");
    }
}

}  // namespace vultus
