// The reference backend: dlib's own forward pass of dlib_face_recognition_resnet_model_v1. One of
// the three files that include dlib. The type below is the file's format: 29 convolutions,
// residual, 128 outputs, trained by metric learning; what the file's serialised type demands.
#include <cblas.h>
#include <dlib/dnn.h>

#include "shared/require.hpp"
#include "workers/dlib_pixels.hpp"
#include "workers/engine/engine.hpp"

namespace vultus {
namespace {

template <long Filters, typename Below>
using keep = dlib::affine<dlib::con<Filters, 3, 3, 1, 1, Below>>;
template <long Filters, typename Below>
using halve = dlib::affine<dlib::con<Filters, 3, 3, 2, 2, Below>>;

/// relu(conv(relu(conv(x))) + x)
template <long Filters, typename Below>
using residual =
    dlib::relu<dlib::add_prev1<keep<Filters, dlib::relu<keep<Filters, dlib::tag1<Below>>>>>>;
/// The same at half the size; the other branch is a 2x2 mean.
template <long Filters, typename Below>
using residual_down = dlib::relu<dlib::add_prev2<dlib::avg_pool<
    2, 2, 2, 2,
    dlib::skip1<dlib::tag2<keep<Filters, dlib::relu<halve<Filters, dlib::tag1<Below>>>>>>>>>;

template <typename Below>
using level_32 = residual<32, residual<32, residual<32, Below>>>;
template <typename Below>
using level_64 = residual<64, residual<64, residual<64, residual_down<64, Below>>>>;
template <typename Below>
using level_128 = residual<128, residual<128, residual_down<128, Below>>>;
template <typename Below>
using level_256 = residual<256, residual<256, residual_down<256, Below>>>;

using face_network = dlib::loss_metric<dlib::fc_no_bias<
    128, dlib::avg_pool_everything<residual_down<
             256, level_256<level_128<level_64<level_32<dlib::max_pool<
                      3, 3, 2, 2,
                      dlib::relu<dlib::affine<
                          dlib::con<32, 7, 7, 2, 2, dlib::input_rgb_image_sized<150>>>>>>>>>>>>>;

class reference_embedder final : public embedder {
 public:
    explicit reference_embedder(const face_network& network) : network_(network) {}
    std::string_view name() const noexcept override { return "dlib_resnet_v1/plain"; }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<reference_embedder>(network_);
    }

    std::vector<embedding> embed(std::span<const chip> chips) override {
        VULTUS_REQUIRE(!chips.empty() && chips.size() <= limits::batch_max, "1 to batch_max chips");
        std::vector<dlib_picture> pictures;
        for (const chip& face : chips) {
            VULTUS_REQUIRE(face.rgb.size() == chip::bytes, "a whole chip");
            pictures.push_back(
                dlib_picture_of(face.rgb.data(), limits::chip_side, limits::chip_side));
        }
        std::vector<embedding> vectors(chips.size());
        const auto outputs = network_(pictures, pictures.size());
        VULTUS_REQUIRE(outputs.size() == chips.size(), "one output per chip");
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            VULTUS_REQUIRE(outputs[i].size() == static_cast<long>(limits::embedding_floats),
                           "128 floats");
            std::copy(outputs[i].begin(), outputs[i].end(), vectors[i].begin());
        }
        return vectors;
    }

 private:
    face_network network_;
};

}  // namespace

result<std::unique_ptr<embedder>> load_reference_embedder(const std::string& file) {
    try {
        face_network network;
        dlib::deserialize(file) >> network;
        return std::unique_ptr<embedder>(std::make_unique<reference_embedder>(network));
    } catch (const std::exception&) {
        return fail(errc::malformed, "the embedding model cannot be read");
    }
}

void use_one_blas_thread() {
    openblas_set_num_threads(1);
}

}  // namespace vultus
