// The oracle's own network types: if a layer of ours were wrong, loading would fail in one of the
// two. The embedding network.
#include <dlib/image_processing.h>

#include "tests/workers/engine/dlib_outputs_support.hpp"

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

}  // namespace

std::vector<dlib_output> dlib_embedding_layers(const chip& face, const std::string& model) {
    image picture(limits::chip_side, limits::chip_side);
    picture.rgb = face.rgb;
    return outputs_of<resnet>(pixels(picture), model);
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
            predictor(picture, dlib::rectangle(face.left, face.top, face.right, face.bottom));
        matrix<rgb_pixel> crop;
        extract_image_chip(picture, get_face_chip_details(shape, 150, 0.25), crop);
        const matrix<float, 0, 1> out = net(crop);
        vectors.emplace_back(static_cast<std::size_t>(out.size()));
        std::copy(out.begin(), out.end(), vectors.back().begin());
    }
    return vectors;
}

}  // namespace vultus::testing
