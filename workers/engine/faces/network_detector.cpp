// See network_detector.hpp.
#include "workers/engine/faces/network_detector.hpp"

#include <algorithm>
#include <utility>

#include "shared/base/require.hpp"
#include "workers/engine/faces/search.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

result<std::vector<sighting>> seen_by(runner& network, const network_detector_rules& rules,
                                      const image& piece) {
    const picture_view view{piece.rgb.data(), long{piece.height}, long{piece.width}};
    const auto outputs =
        network.run(std::span(&view, 1), canvas_side(piece.height), canvas_side(piece.width));
    if (!outputs) return fail(outputs.error());
    auto found = rules.decode(*outputs);
    if (!found) return found;
    // The canvas is black beyond the picture; nobody is there. And no box is a face that has no
    // pixels, or is far larger than the picture.
    const double largest = 4.0 * std::max(piece.width, piece.height);
    std::erase_if(*found, [&](const sighting& one) {
        const double across = one.where.width(), down = one.where.height();
        if (!(across >= 1 && down >= 1 && across <= largest && down <= largest)) return true;
        return one.where.left + one.where.right >= 2.0 * piece.width ||
               one.where.top + one.where.bottom >= 2.0 * piece.height;
    });
    return found;
}

class network_detector final : public detector {
 public:
    network_detector(std::unique_ptr<runner> network, const network_detector_rules& rules)
        : network_(std::move(network)), rules_(rules) {}
    std::string_view name() const noexcept override { return rules_.name; }
    std::unique_ptr<detector> clone() const override {
        return std::make_unique<network_detector>(network_->clone(), rules_);
    }
    detection_scale scale_for(picture_size photo, const detector_options& options) const override {
        return search_scale(photo, options.min_face_px);
    }
    predictor_fit fit() const override { return rules_.fit; }

 protected:
    std::vector<detected_face> search(const image& picture, picture_size photo, picture_size seen,
                                      turning turns) override {
        const see_faces see = [this](const image& piece) {
            auto found = seen_by(*network_, rules_, piece);
            VULTUS_REQUIRE(found.has_value(), "a network that was tried runs at any size");
            return *std::move(found);
        };
        const bool fits = seen == picture_size{picture.width, picture.height};
        const image scaled = fits ? image() : resized(picture, seen.width, seen.height);
        const double across = double(photo.width) / seen.width;
        const double down = double(photo.height) / seen.height;
        std::vector<detected_face> faces;
        for (const sighting& one : search_faces(fits ? picture : scaled, turns, see)) {
            face_points points = one.points;
            for (point& at : points) {
                at = {static_cast<float>(at.x * across), static_cast<float>(at.y * down)};
            }
            const rectangle where{one.where.left * across, one.where.top * down,
                                  one.where.right * across, one.where.bottom * down};
            faces.push_back({box_of(where), one.score, points, quarters_to_upright(points)});
        }
        return faces;
    }

 private:
    std::unique_ptr<runner> network_;
    network_detector_rules rules_;
};

}  // namespace

const network_detector_rules centerface_rules{
    "centerface", centerface_sightings, {0.973, -0.030, 0.069, true}};
const network_detector_rules yunet_rules{"yunet", yunet_sightings, {0.978, -0.024, 0.067}};

result<std::unique_ptr<detector>> make_network_detector(std::unique_ptr<runner> network,
                                                        const network_detector_rules& rules) {
    if (auto seen = seen_by(*network, rules, image(160, 128)); !seen) return fail(seen.error());
    return std::unique_ptr<detector>(std::make_unique<network_detector>(std::move(network), rules));
}

result<std::unique_ptr<detector>> load_network_detector(const std::string& file,
                                                        const network_detector_rules& rules,
                                                        const runner_maker& runners) {
    input_format input;  // the bytes as they are
    input.scale = {1, 1, 1};
    input.bgr = rules.decode == yunet_sightings;
    auto layers = load_onnx(file, input);
    if (!layers) return fail(layers.error());
    auto network = runners(std::make_shared<const vultus::network>(std::move(*layers)),
                           {{1, 128, 160}}, {1, tile_side, tile_side});
    if (!network) return fail(network.error());
    return make_network_detector(std::move(*network), rules);
}

}  // namespace vultus
