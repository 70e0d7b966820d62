// The embedding network by oneDNN. Chips go through in eights, then four, two and one: sizes whose
// primitives are made at start; larger batches gain nothing on one thread.
#include <algorithm>
#include <array>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/kernels.hpp"
#include "workers/engine/onednn/onednn.hpp"

namespace vultus {
namespace {

constexpr std::array<long, 4> batch_sizes{8, 4, 2, 1};
constexpr long side = limits::chip_side;
constexpr tensor_shape chip_shape{3, side, side};

class onednn_embedder final : public embedder {
 public:
    onednn_embedder(onednn_network net, const input_format& input)
        : net_(std::move(net)), input_(input) {}
    std::string_view name() const noexcept override { return "dlib_resnet_v1/plain"; }
    std::size_t dimension() const noexcept override { return dlib_dimension; }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<onednn_embedder>(net_.clone(), input_);
    }

    std::vector<embedding> embed(std::span<const chip> chips) override {
        VULTUS_REQUIRE(!chips.empty() && chips.size() <= limits::batch_max, "1 to batch_max chips");
        std::vector<embedding> vectors;
        while (!chips.empty()) {
            const long batch = *std::find_if(
                batch_sizes.begin(), batch_sizes.end(),
                [&](long size) { return static_cast<std::size_t>(size) <= chips.size(); });
            embed_batch(chips.first(static_cast<std::size_t>(batch)), vectors);
            chips = chips.subspan(static_cast<std::size_t>(batch));
        }
        return vectors;
    }

 private:
    void embed_batch(std::span<const chip> chips, std::vector<embedding>& vectors) {
        const auto planes = net_.input(static_cast<long>(chips.size()), chip_shape);
        VULTUS_REQUIRE(planes.has_value(), "a chip is larger than the network's window");
        float* to = planes->data();
        for (const chip& face : chips) {
            VULTUS_REQUIRE(face.has_side(limits::chip_side), "a chip for this network");
            constexpr std::size_t pixels = chip::bytes / 3;
            kernels::planes_of(face.rgb.data(), pixels, input_, to, pixels);
            to += chip::bytes;
        }
        const auto out = net_.run();
        VULTUS_REQUIRE(out.size() == chips.size() * dlib_dimension, "128 floats a chip");
        for (std::size_t i = 0; i < chips.size(); ++i) {
            vectors.emplace_back(
                std::span<const float>(out.subspan(i * dlib_dimension, dlib_dimension)));
        }
    }

    onednn_network net_;
    input_format input_;
};

}  // namespace

result<std::unique_ptr<embedder>> load_onednn_embedder(const std::string& file, precision numbers) {
    auto list = load_embedding_layers(file);
    if (!list) return fail(list.error());
    const input_format input = list->input;
    std::vector<std::pair<long, tensor_shape>> warm;
    for (const long batch : batch_sizes) warm.emplace_back(batch, chip_shape);
    auto net =
        onednn_network::make(std::make_shared<const network>(std::move(*list)), numbers, warm);
    if (!net) return fail(net.error());
    return std::unique_ptr<embedder>(std::make_unique<onednn_embedder>(std::move(*net), input));
}

}  // namespace vultus
