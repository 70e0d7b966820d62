// The reference backend: dlib's own forward pass of dlib_face_recognition_resnet_model_v1. One of
// the files that include dlib.
#include <cblas.h>
#include <dlib/dnn.h>

#include "shared/base/require.hpp"
#include "workers/engine/dlib_networks.hpp"
#include "workers/engine/dlib_pixels.hpp"
#include "workers/engine/engine.hpp"

namespace vultus {
namespace {

using face_network = dlib_networks::embedding;

class reference_embedder final : public embedder {
 public:
    explicit reference_embedder(const face_network& network) : network_(network) {}
    std::string_view name() const noexcept override { return "dlib_resnet_v1/plain"; }
    std::size_t dimension() const noexcept override { return dlib_dimension; }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<reference_embedder>(network_);
    }

    std::vector<embedding> embed(std::span<const chip> chips) override {
        VULTUS_REQUIRE(!chips.empty() && chips.size() <= limits::batch_max, "1 to batch_max chips");
        std::vector<dlib_picture> pictures;
        for (const chip& face : chips) {
            VULTUS_REQUIRE(face.has_side(limits::chip_side), "a chip for this network");
            pictures.push_back(
                dlib_picture_of(face.rgb.data(), limits::chip_side, limits::chip_side));
        }
        std::vector<embedding> vectors;
        const auto outputs = network_(pictures, pictures.size());
        VULTUS_REQUIRE(outputs.size() == chips.size(), "one output per chip");
        for (const auto& output : outputs) {
            VULTUS_REQUIRE(output.size() == static_cast<long>(dlib_dimension), "128 floats");
            std::copy(output.begin(), output.end(), vectors.emplace_back(dlib_dimension).begin());
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
        return fail(errc::malformed, "embedding model cannot be read");
    }
}

void use_one_blas_thread() {
    openblas_set_num_threads(1);
}

}  // namespace vultus
