// See network_embedder.hpp.
#include "workers/engine/faces/network_embedder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/embedding.hpp"
#include "workers/engine/embedding_kind.hpp"

namespace vultus {
namespace {

constexpr std::size_t largest_on_cpu = 8;

/// The floats of each chip, one after the other.
result<std::span<const float>> floats_of(runner& network, const network_embedder_rules& rules,
                                         std::span<const chip> chips) {
    std::array<picture_view, limits::batch_max> views;
    const auto side = static_cast<long>(rules.form.side);
    for (std::size_t i = 0; i < chips.size(); ++i) {
        VULTUS_REQUIRE(chips[i].has_side(rules.form.side), "a chip for this network");
        views[i] = {chips[i].rgb.data(), side, side};
    }
    const auto outputs = network.run(std::span(views).first(chips.size()), side, side);
    if (!outputs) return fail(outputs.error());
    if (outputs->size() != 1 || outputs->front().shape.size() != rules.dimension) {
        return fail(errc::malformed, rules.name + ": the network does not end in one vector of " +
                                         std::to_string(rules.dimension) + " floats");
    }
    return outputs->front().values;
}

class network_embedder final : public embedder {
 public:
    network_embedder(std::unique_ptr<runner> network, const network_embedder_rules& rules,
                     std::size_t largest_pass)
        : network_(std::move(network)), rules_(rules), largest_pass_(largest_pass) {}
    std::string_view name() const noexcept override { return rules_.name; }
    std::size_t dimension() const noexcept override { return rules_.dimension; }
    chip_form form() const noexcept override { return rules_.form; }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<network_embedder>(network_->clone(), rules_, largest_pass_);
    }

    std::vector<embedding> embed(std::span<const chip> chips) override {
        VULTUS_REQUIRE(!chips.empty() && chips.size() <= limits::batch_max, "1 to batch_max chips");
        std::vector<embedding> vectors;
        while (!chips.empty()) {
            std::size_t batch = largest_pass_;
            while (batch > chips.size()) batch /= 2;
            const auto floats = floats_of(*network_, rules_, chips.first(batch));
            VULTUS_REQUIRE(floats.has_value(), "a network that was tried runs again");
            for (std::size_t i = 0; i < batch; ++i) {
                const auto one = floats->subspan(i * rules_.dimension, rules_.dimension);
                vectors.push_back(unit_length(embedding(one)));
            }
            chips = chips.subspan(batch);
        }
        return vectors;
    }
    embedding combined(const std::vector<embedding>& of_one_face) const override {
        return unit_length(mean(of_one_face));
    }

 private:
    std::unique_ptr<runner> network_;
    network_embedder_rules rules_;
    std::size_t largest_pass_;
};

}  // namespace

const network_embedder_rules omz_0095_rules{"omz_0095/unit", 256, {alignment::omz, 128}};

input_format omz_0095_input() {
    input_format input;
    input.scale = {1, 1, 1};
    input.bgr = true;
    return input;
}

result<std::unique_ptr<embedder>> make_network_embedder(std::unique_ptr<runner> network,
                                                        const network_embedder_rules& rules,
                                                        std::size_t largest_pass) {
    VULTUS_REQUIRE(limits::is_embedding_dimension(rules.dimension) && rules.form.side > 0 &&
                       rules.form.side <= limits::chip_side_max && largest_pass > 0 &&
                       largest_pass <= limits::batch_max,
                   "rules within the limits");
    const chip grey{std::vector<std::uint8_t>(chip::bytes_of(rules.form.side), 128),
                    rules.form.side};
    const auto floats = floats_of(*network, rules, std::span(&grey, 1));
    if (!floats) return fail(floats.error());
    if (!std::ranges::all_of(*floats, [](float value) { return std::isfinite(value); })) {
        return fail(errc::malformed,
                    rules.name + ": the network makes numbers that are not finite");
    }
    return std::unique_ptr<embedder>(
        std::make_unique<network_embedder>(std::move(network), rules, largest_pass));
}

result<std::unique_ptr<embedder>> make_network_embedder(network layers,
                                                        const network_embedder_rules& rules,
                                                        const runner_maker& on_gpu) {
    const auto side = static_cast<long>(rules.form.side);
    const warm_size largest{static_cast<long>(limits::batch_max), side, side};
    auto runs =
        on_gpu(std::make_shared<const network>(std::move(layers)), {{1, side, side}}, largest);
    if (!runs) return fail(runs.error());
    return make_network_embedder(std::move(*runs), rules, limits::batch_max);
}

result<std::unique_ptr<embedder>> make_network_embedder(network layers,
                                                        const network_embedder_rules& rules,
                                                        precision numbers) {
    const auto side = static_cast<long>(rules.form.side);
    std::vector<warm_size> warm;
    for (auto batch = static_cast<long>(largest_on_cpu); batch > 0; batch /= 2) {
        warm.push_back({batch, side, side});
    }
    auto runs =
        make_onednn_runner(std::make_shared<const network>(std::move(layers)), numbers, warm);
    if (!runs) return fail(runs.error());
    return make_network_embedder(std::move(*runs), rules, largest_on_cpu);
}

}  // namespace vultus
