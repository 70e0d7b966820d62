// The `cnn` detector by oneDNN: pyramid, seven convolutions, peaks.
#include "workers/engine/detector.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/onednn/onednn.hpp"
#include "workers/engine/peaks.hpp"
#include "workers/engine/pyramid.hpp"

namespace vultus {
namespace {

/// What all lanes read.
struct model {
    detector_layers rules;
    reach sees;
};

class onednn_detector final : public window_detector {
 public:
    onednn_detector(std::shared_ptr<const model> what, onednn_network net)
        : model_(std::move(what)), net_(std::move(net)) {}
    std::string_view name() const noexcept override { return "cnn"; }
    std::unique_ptr<detector> clone() const override {
        return std::make_unique<onednn_detector>(model_, net_.clone());
    }

 protected:
    std::vector<detected_face> find(const image& picture) override {
        const detector_layers& rules = model_->rules;
        const pyramid_layout layout =
            pyramid_of(picture.height, picture.width, rules.padding, rules.outer_padding);
        const auto canvas = net_.input(1, {3, layout.rows, layout.columns});
        if (!canvas) return {};  // smaller than the network's window: no place for a face
        draw_pyramid(picture, layout, rules.net.input, *canvas);
        const auto scores = net_.run();
        const tensor_shape shape = net_.output();
        return faces_in(scores, shape.rows, shape.columns, model_->sees, layout, rules);
    }

 private:
    std::shared_ptr<const model> model_;
    onednn_network net_;
};

}  // namespace

result<std::unique_ptr<detector>> load_onednn_detector(const std::string& file, precision numbers) {
    auto rules = load_detector_layers(file);
    if (!rules) return fail(rules.error());
    auto made = std::make_shared<model>();
    made->sees = reach_of(rules->net);
    // Made at start for one usual size, so that what this CPU cannot do is said then.
    const pyramid_layout usual = pyramid_of(480, 640, rules->padding, rules->outer_padding);
    auto net = onednn_network::make(std::make_shared<const network>(split_columns(rules->net)),
                                    numbers, {{1, {3, usual.rows, usual.columns}}});
    if (!net) return fail(net.error());
    made->rules = std::move(*rules);
    return std::unique_ptr<detector>(
        std::make_unique<onednn_detector>(std::move(made), std::move(*net)));
}

}  // namespace vultus
