// The embedding network on a GPU: chips in buckets, each a graph made at start.
#include <algorithm>
#include <cstring>
#include <optional>

#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/buckets.hpp"
#include "workers/engine/cuda/device_network.hpp"
#include "workers/engine/dlib_layers.hpp"

namespace vultus::cuda {
namespace {

constexpr std::int32_t side = limits::chip_side;

input_size input_of(long chips) {
    return {chips, {side, side, {{0, 0, side - 1, side - 1}}}};
}

/// What all lanes use, in turns.
struct shared_network {
    std::shared_ptr<gpu_context> device;
    std::vector<bucket> buckets;
    std::optional<device_network> net;
    ~shared_network() {
        const auto mine = device->take_turn();
        net.reset();
    }
};

class gpu_embedder final : public embedder {
 public:
    explicit gpu_embedder(std::shared_ptr<shared_network> shared) : shared_(std::move(shared)) {}
    std::string_view name() const noexcept override { return "dlib_resnet_v1/plain"; }
    std::size_t dimension() const noexcept override { return dlib_dimension; }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<gpu_embedder>(shared_);
    }

    std::vector<embedding> embed(std::span<const chip> chips) override {
        VULTUS_REQUIRE(!chips.empty() && chips.size() <= limits::batch_max, "1 to batch_max chips");
        std::vector<embedding> vectors;
        for (const long size : buckets_for(static_cast<long>(chips.size()), shared_->buckets)) {
            const std::size_t count = std::min(chips.size(), static_cast<std::size_t>(size));
            embed_bucket(chips.first(count), size, vectors);
            chips = chips.subspan(count);
        }
        return vectors;
    }

 private:
    void embed_bucket(std::span<const chip> chips, long size, std::vector<embedding>& vectors) {
        const auto piece = shared_->net->lend();
        std::uint8_t* to = piece->pictures.as<std::uint8_t>().data();
        for (const chip& face : chips) {
            VULTUS_REQUIRE(face.has_side(limits::chip_side), "a chip for this network");
            std::memcpy(to, face.rgb.data(), chip::bytes);
            to += chip::bytes;
        }
        const auto out = shared_->net->run(input_of(size), side, side, *piece);
        VULTUS_REQUIRE(out.has_value(), "a chip is larger than the network's window");
        for (std::size_t i = 0; i < chips.size(); ++i) {
            vectors.emplace_back(
                std::span<const float>(out->numbers.subspan(i * dlib_dimension, dlib_dimension)));
        }
    }

    std::shared_ptr<shared_network> shared_;
};

}  // namespace

result<std::unique_ptr<embedder>> load_embedder(std::shared_ptr<gpu_context> device,
                                                const std::string& file, const options& wanted) {
    const auto list = load_embedding_layers(file);
    if (!list) return fail(list.error());
    auto shared = std::make_shared<shared_network>();
    shared->device = device;
    const auto mine = device->take_turn();
    for (auto next = bucket_sizes.rbegin(); next != bucket_sizes.rend(); ++next) {
        const long largest = *next;
        if (largest > wanted.chips_max) continue;
        std::vector<input_size> sizes;
        for (const long size : bucket_sizes) {
            if (size <= largest) sizes.push_back(input_of(size));
        }
        auto net =
            device_network::make(device, *list, wanted.numbers, {sizes, sizes, sizes.size()});
        if (net) {
            for (std::size_t i = 0; i < sizes.size(); ++i) {
                shared->buckets.push_back({sizes[i].batch, net->warm_ms()[i]});
            }
            shared->net.emplace(std::move(*net));
            log::info("embedder_ready",
                      {{"largest_batch", largest}, {"card_mib", device->used_bytes() >> 20}});
            return std::unique_ptr<embedder>(std::make_unique<gpu_embedder>(std::move(shared)));
        }
        if (net.error().code != errc::bad_option || largest == 1) return fail(net.error());
    }
    return fail(errc::bad_option, "no bucket of chips is that small");
}

}  // namespace vultus::cuda
