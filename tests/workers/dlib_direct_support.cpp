// The oracle's own network types: if a layer of ours were wrong, loading would fail in one of the
// two.
#include "dlib_direct_support.hpp"

#include <dlib/dnn.h>
#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>

namespace vultus::testing {
namespace {

using namespace dlib;

template <template <int, template <typename> class, int, typename> class Block, int N,
          template <typename> class Norm, typename Below>
using res = add_prev1<Block<N, Norm, 1, tag1<Below>>>;
template <template <int, template <typename> class, int, typename> class Block, int N,
          template <typename> class Norm, typename Below>
using res_down = add_prev2<avg_pool<2, 2, 2, 2, skip1<tag2<Block<N, Norm, 2, tag1<Below>>>>>>;
template <int N, template <typename> class Norm, int Stride, typename Below>
using block = Norm<con<N, 3, 3, 1, 1, relu<Norm<con<N, 3, 3, Stride, Stride, Below>>>>>;
template <int N, typename Below>
using ares = relu<res<block, N, affine, Below>>;
template <int N, typename Below>
using ares_down = relu<res_down<block, N, affine, Below>>;
template <typename Below>
using level0 = ares_down<256, Below>;
template <typename Below>
using level1 = ares<256, ares<256, ares_down<256, Below>>>;
template <typename Below>
using level2 = ares<128, ares<128, ares_down<128, Below>>>;
template <typename Below>
using level3 = ares<64, ares<64, ares<64, ares_down<64, Below>>>>;
template <typename Below>
using level4 = ares<32, ares<32, ares<32, Below>>>;
using resnet = loss_metric<fc_no_bias<
    128, avg_pool_everything<level0<level1<level2<level3<level4<max_pool<
             3, 3, 2, 2, relu<affine<con<32, 7, 7, 2, 2, input_rgb_image_sized<150>>>>>>>>>>>>>;

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

matrix<rgb_pixel> pixels(const image& picture) {
    matrix<rgb_pixel> out(static_cast<long>(picture.height), static_cast<long>(picture.width));
    for (long y = 0; y < out.nr(); ++y) {
        for (long x = 0; x < out.nc(); ++x) {
            const auto* from = picture.row(static_cast<std::uint32_t>(y)) + x * 3;
            out(y, x) = rgb_pixel(from[0], from[1], from[2]);
        }
    }
    return out;
}

vultus::box edges(const rectangle& r) {
    return {static_cast<std::int32_t>(r.left()), static_cast<std::int32_t>(r.top()),
            static_cast<std::int32_t>(r.right()), static_cast<std::int32_t>(r.bottom())};
}

dlib_output copied(const tensor& from) {
    return {static_cast<long>(from.k()), static_cast<long>(from.nr()), static_cast<long>(from.nc()),
            std::vector<float>(from.begin(), from.end())};
}

struct output_reader {
    std::vector<dlib_output>* out;
    template <typename Details, typename Below, typename Extra>
    void operator()(std::size_t, add_layer<Details, Below, Extra>& one) {
        if (!std::is_same_v<Details, affine_>) out->emplace_back();
        try {
            out->back() = copied(one.get_output());
        } catch (const dlib::error&) {
            out->back() = {};  // overwritten in place
        }
    }
};

template <typename Network>
std::vector<dlib_output> outputs_of(const matrix<rgb_pixel>& picture, const std::string& model) {
    Network net;
    deserialize(model) >> net;
    resizable_tensor in;
    net.to_tensor(&picture, &picture + 1, in);
    net.subnet().forward(in);
    std::vector<dlib_output> outputs{copied(in)};
    visit_layers_backwards(net, output_reader{&outputs});
    return outputs;
}

}  // namespace

std::vector<dlib_output> dlib_embedding_layers(const chip& face, const std::string& model) {
    image picture(limits::chip_side, limits::chip_side);
    picture.rgb = face.rgb;
    return outputs_of<resnet>(pixels(picture), model);
}

std::vector<dlib_output> dlib_detector_layers(const image& picture, const std::string& model) {
    return outputs_of<mmod>(pixels(picture), model);
}

std::vector<detected_face> dlib_hog(const image& picture) {
    auto scanner = get_frontal_face_detector();
    std::vector<std::pair<double, rectangle>> found;
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

std::vector<embedding> dlib_embeddings(const image& photo, const std::vector<vultus::box>& faces,
                                       const std::string& landmarks, const std::string& model) {
    shape_predictor predictor;
    deserialize(landmarks) >> predictor;
    resnet net;
    deserialize(model) >> net;
    const auto picture = pixels(photo);
    std::vector<embedding> vectors;
    for (const auto& face : faces) {
        const auto shape =
            predictor(picture, rectangle(face.left, face.top, face.right, face.bottom));
        matrix<rgb_pixel> crop;
        extract_image_chip(picture, get_face_chip_details(shape, 150, 0.25), crop);
        const matrix<float, 0, 1> out = net(crop);
        vectors.emplace_back();
        std::copy(out.begin(), out.end(), vectors.back().begin());
    }
    return vectors;
}

}  // namespace vultus::testing
