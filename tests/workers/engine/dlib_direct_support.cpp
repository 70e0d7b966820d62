// The oracle's own network types: if a layer of ours were wrong, loading would fail in one of the
// two. The detectors.
#include <dlib/image_processing/frontal_face_detector.h>

#include "tests/workers/engine/dlib_outputs_support.hpp"

namespace vultus::testing {
namespace {

using namespace dlib;

template <long N, typename Below>
using con5d = con<N, 5, 5, 2, 2, Below>;
template <long N, typename Below>
using con5 = con<N, 5, 5, 1, 1, Below>;
template <typename Below>
using downsampler =
    relu<affine<con5d<32, relu<affine<con5d<32, relu<affine<con5d<16, Below>>>>>>>>>;
template <typename Below>
using rcon5 = relu<affine<con5<45, Below>>>;
using mmod = loss_mmod<
    con<1, 9, 9, 1, 1, rcon5<rcon5<rcon5<downsampler<input_rgb_image_pyramid<pyramid_down<6>>>>>>>>;

vultus::box edges(const dlib::rectangle& r) {
    return {static_cast<std::int32_t>(r.left()), static_cast<std::int32_t>(r.top()),
            static_cast<std::int32_t>(r.right()), static_cast<std::int32_t>(r.bottom())};
}

}  // namespace

std::vector<dlib_output> dlib_detector_layers(const image& picture, const std::string& model) {
    return outputs_of<mmod>(pixels(picture), model);
}

std::vector<detected_face> dlib_hog(const image& picture) {
    auto scanner = get_frontal_face_detector();
    std::vector<std::pair<double, dlib::rectangle>> found;
    scanner(pixels(picture), found);
    std::vector<detected_face> faces;
    for (const auto& [score, where] : found) faces.push_back({edges(where), score});
    return faces;
}

std::vector<detected_face> dlib_cnn(const image& picture, const std::string& model) {
    mmod net;
    deserialize(model) >> net;
    std::vector<detected_face> faces;
    for (const auto& one : net(pixels(picture))) {
        faces.push_back({edges(one.rect), one.detection_confidence});
    }
    return faces;
}

}  // namespace vultus::testing
