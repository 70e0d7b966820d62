#include "workers/engine/embedding_kind.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "shared/base/require.hpp"
#include "workers/engine/embedding.hpp"

namespace vultus {
namespace {

constexpr std::array<std::string_view, 4> names{"plain", "mirror", "unit", "mirror_unit"};
constexpr std::string_view plain_ending = "/plain";

bool has_unit_length(embedding_kind kind) {
    return kind == embedding_kind::unit || kind == embedding_kind::mirror_unit;
}

class kind_embedder final : public embedder {
 public:
    kind_embedder(std::shared_ptr<embedder> network, embedding_kind kind)
        : network_(std::move(network)), kind_(kind) {
        const std::string_view name = network_->name();
        VULTUS_REQUIRE(name.ends_with(plain_ending), "a network of kind plain");
        name_ = std::string(name.substr(0, name.size() - plain_ending.size() + 1));
        name_ += name_of(kind);
    }
    std::string_view name() const noexcept override { return name_; }
    std::size_t dimension() const noexcept override { return network_->dimension(); }
    chip_form form() const noexcept override { return network_->form(); }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<kind_embedder>(network_->clone(), kind_);
    }
    std::vector<embedding> embed(std::span<const chip> chips) override {
        std::vector<embedding> vectors = network_->embed(chips);
        const bool twice = kind_ == embedding_kind::mirror || kind_ == embedding_kind::mirror_unit;
        if (twice) {
            std::vector<chip> mirrors;
            for (const chip& one : chips) mirrors.push_back(mirrored(one));
            const std::vector<embedding> others = network_->embed(mirrors);
            for (std::size_t i = 0; i < vectors.size(); ++i) {
                vectors[i] = mean({vectors[i], others[i]});
            }
        }
        for (embedding& one : vectors) one = finished(one);
        return vectors;
    }
    embedding combined(const std::vector<embedding>& of_one_face) const override {
        return finished(mean(of_one_face));
    }

 private:
    embedding finished(const embedding& vector) const {
        return has_unit_length(kind_) ? unit_length(vector) : vector;
    }

    std::shared_ptr<embedder> network_;
    embedding_kind kind_;
    std::string name_;
};

}  // namespace

std::string_view name_of(embedding_kind kind) {
    return names[static_cast<std::size_t>(kind)];
}

result<embedding_kind> parse_embedding_kind(std::string_view word) {
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) {
        return fail(errc::bad_option, "embedding must be plain, mirror, unit or mirror_unit");
    }
    return static_cast<embedding_kind>(found - names.begin());
}

std::string dlib_embedder(std::string_view kind) {
    return "dlib_resnet_v1/" + std::string(kind);
}

chip mirrored(const chip& from) {
    VULTUS_REQUIRE(from.is_whole(), "a whole chip");
    const std::size_t side = from.side;
    chip to{std::vector<std::uint8_t>(from.rgb.size()), from.side};
    for (std::size_t row = 0; row < side; ++row) {
        for (std::size_t column = 0; column < side; ++column) {
            const auto* pixel = &from.rgb[(row * side + column) * 3];
            std::copy(pixel, pixel + 3, &to.rgb[(row * side + side - 1 - column) * 3]);
        }
    }
    return to;
}

embedding unit_length(const embedding& vector) {
    double squares = 0;
    for (const float value : vector) squares += static_cast<double>(value) * value;
    if (squares == 0) return vector;
    embedding scaled(vector.size());
    const double factor = 1.0 / std::sqrt(squares);
    std::transform(vector.begin(), vector.end(), scaled.begin(),
                   [factor](float value) { return static_cast<float>(value * factor); });
    return scaled;
}

std::unique_ptr<embedder> with_kind(std::shared_ptr<embedder> network, embedding_kind kind) {
    return std::make_unique<kind_embedder>(std::move(network), kind);
}

}  // namespace vultus
