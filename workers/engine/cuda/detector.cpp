// The `cnn` detector on a GPU: the bytes go up, are resized and drawn as a pyramid there, and the
// scores come down.
#include "workers/engine/detector.hpp"

#include <cstring>
#include <optional>

#include "shared/base/log.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/device_network.hpp"
#include "workers/engine/cuda/program.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/peaks.hpp"

namespace vultus::cuda {
namespace {

/// Picture sizes whose graphs are kept.
constexpr std::size_t programs_max = 16;

/// A picture of more pixels is resized before it goes up. A JPEG is decoded to less than twice the
/// sides that are looked at (image.hpp), so with the default detect_side_max it has fewer, up to
/// 32,000 a side.
constexpr long pixels_up_max = 16'000'000;

struct shared_network {
    std::shared_ptr<gpu_context> device;
    detector_layers rules;
    reach sees;
    long side_max = 0;
    std::optional<device_network> net;
    ~shared_network() {
        const auto mine = device->take_turn();
        net.reset();
    }
};

input_size input_of(const detector_layers& rules, long rows, long columns) {
    return {1, pyramid_of(rows, columns, rules.padding, rules.outer_padding)};
}

class gpu_detector final : public window_detector {
 public:
    explicit gpu_detector(std::shared_ptr<shared_network> shared) : shared_(std::move(shared)) {}
    std::string_view name() const noexcept override { return "cnn"; }
    std::unique_ptr<detector> clone() const override {
        return std::make_unique<gpu_detector>(shared_);
    }
    /// As if the user had asked for no more than this GPU takes.
    detection_scale scale_for(picture_size photo, const detector_options& options) const override {
        detector_options possible = options;
        possible.detect_side_max =
            std::min(options.detect_side_max, static_cast<int>(shared_->side_max));
        return window_detector::scale_for(photo, possible);
    }

 protected:
    std::vector<detected_face> find(const image& picture) override {
        return look(picture, {picture.width, picture.height});
    }

    std::vector<detected_face> look(const image& picture, picture_size seen) override {
        VULTUS_REQUIRE(static_cast<long>(std::max(seen.width, seen.height)) <= shared_->side_max,
                       "no larger picture than detect_side_max");
        if (picture.rgb.size() > shared_->net->picture_bytes()) {
            return window_detector::look(picture, seen);
        }
        const input_size size = input_of(shared_->rules, seen.height, seen.width);
        const auto piece = shared_->net->lend();
        std::memcpy(piece->pictures.data(), picture.rgb.data(), picture.rgb.size());
        const auto scores = shared_->net->run(size, picture.height, picture.width, *piece);
        VULTUS_REQUIRE(scores || scores.error().code != errc::too_large,
                       "no input needs more than the largest");
        if (!scores) return {};  // smaller than the network's window: no place for a face
        const tensor_shape shape = scores->of_picture;
        return faces_in(scores->numbers, shape.rows, shape.columns, shared_->sees, size.layout,
                        shared_->rules);
    }

 private:
    std::shared_ptr<shared_network> shared_;
};

/// The picture of up to that side whose canvas is the largest: a square one, or one beside it,
/// where the layout's second column begins elsewhere.
input_size largest_input(const detector_layers& rules, long side) {
    input_size largest;
    long most = 0;
    for (long shorter = side; shorter > 0; shorter -= 4) {
        for (const auto& [rows, columns] : {std::pair{side, shorter}, std::pair{shorter, side}}) {
            input_size one = input_of(rules, rows, columns);
            // As much room more as a picture between those looked at can take.
            const long area = (one.layout.rows + 64) * (one.layout.columns + 64);
            if (area <= most) continue;
            most = area;
            one.layout.rows += 64;
            one.layout.columns += 64;
            largest = std::move(one);
        }
    }
    return largest;
}

}  // namespace

long countable_side(const detector_layers& rules, precision numbers, long wanted) {
    const network split = split_columns(rules.net);
    addresses at;
    at.layers.resize(split.layers.size());
    long side = wanted;
    while (!compose(split, numbers == precision::tf32, largest_input(rules, side), at)) {
        side -= side / 16;
    }
    return side;
}

result<std::unique_ptr<detector>> load_detector(std::shared_ptr<gpu_context> device,
                                                const std::string& file, const options& wanted) {
    auto rules = load_detector_layers(file);
    if (!rules) return fail(rules.error());
    auto shared = std::make_shared<shared_network>();
    shared->device = device;
    shared->rules = std::move(*rules);
    shared->sees = reach_of(shared->rules.net);
    const long side = countable_side(shared->rules, wanted.numbers, wanted.detect_side_max);
    if (side < wanted.detect_side_max) {
        log::warning("detect_side_limited", {{"detect_side_max", wanted.detect_side_max},
                                             {"pixels", side},
                                             {"why", "cuDNN counts bytes to 2^31"}});
    }
    shared->side_max = side;
    const auto mine = device->take_turn();
    const long rows = std::min(480L, side), columns = std::min(640L, side), seen = side * side;
    const long up = std::max(seen, std::min(4 * seen, pixels_up_max));
    auto net = device_network::make(device, split_columns(shared->rules.net), wanted.numbers,
                                    {{largest_input(shared->rules, side)},
                                     {input_of(shared->rules, rows, columns)},
                                     programs_max,
                                     static_cast<std::size_t>(up) * 3});
    if (!net) return fail(net.error());
    shared->net.emplace(std::move(*net));
    log::info("detector_ready", {{"largest_side", side}, {"card_mib", device->used_bytes() >> 20}});
    return std::unique_ptr<detector>(std::make_unique<gpu_detector>(std::move(shared)));
}

}  // namespace vultus::cuda
