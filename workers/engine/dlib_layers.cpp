// dlib's networks as layer lists: a visitor over their layers from the picture up. One of the files
// that include dlib.
#include "workers/engine/dlib_layers.hpp"

#include <dlib/dnn.h>

#include <map>
#include <type_traits>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/dlib_networks.hpp"
#include "workers/engine/engine.hpp"

namespace vultus {
namespace {

/// Meets each layer in turn and writes it to the list. Values and layers as in layers.hpp.
class list_writer {
 public:
    explicit list_writer(network& out) : out_(&out) {}

    template <typename Details, typename Below, typename Extra>
    void operator()(std::size_t, dlib::add_layer<Details, Below, Extra>& one) {
        write(one.layer_details());
    }
    template <unsigned long Id, typename Below, typename Extra>
    void operator()(std::size_t, dlib::add_tag_layer<Id, Below, Extra>&) {
        tags_[Id] = last_;
    }
    template <template <typename> class Tag, typename Below>
    void operator()(std::size_t, dlib::add_skip_layer<Tag, Below>&) {
        constexpr unsigned long id = dlib::tag_id<Tag>::id;
        last_ = tags_.at(id);
    }

 private:
    layer& next(layer_kind kind) {
        layer one;
        one.kind = kind;
        one.from = last_;
        out_->layers.push_back(std::move(one));
        last_ = out_->layers.size();
        return out_->layers.back();
    }

    template <typename Window>
    static void take_window(const Window& from, layer& to) {
        to.rows = from.nr();
        to.columns = from.nc();
        to.stride = from.stride_y();
        to.padding_rows = from.padding_y();
        to.padding_columns = from.padding_x();
        if (from.stride_x() != from.stride_y()) throw dlib::error("unequal strides");
    }

    template <long N, long Rows, long Columns, int Down, int Right, int PadDown, int PadRight>
    void write(dlib::con_<N, Rows, Columns, Down, Right, PadDown, PadRight>& conv) {
        layer& one = next(layer_kind::conv);
        take_window(conv, one);
        const dlib::tensor& numbers = conv.get_layer_params();
        const bool biased = !conv.bias_is_disabled();
        one.outputs = conv.num_filters();
        const std::size_t count = numbers.size();
        const auto outputs = static_cast<std::size_t>(one.outputs);
        const std::size_t weights = biased && count > outputs ? count - outputs : count;
        one.inputs = static_cast<long>(weights) / (one.outputs * one.rows * one.columns);
        const float* from = numbers.host();
        one.weights.assign(from, from + weights);
        one.bias.assign(outputs, 0.0f);
        if (biased) std::copy(from + weights, from + count, one.bias.begin());
    }

    void write(dlib::affine_& scale) {
        if (scale.is_disabled()) return;
        if (out_->layers.empty() || out_->layers.back().kind != layer_kind::conv ||
            scale.get_mode() != dlib::CONV_MODE) {
            throw dlib::error("an affine layer without a preceding convolution");
        }
        layer& conv = out_->layers.back();
        const auto gamma = scale.get_gamma(), beta = scale.get_beta();
        const auto outputs = static_cast<std::size_t>(conv.outputs);
        if (gamma.size() != outputs) throw dlib::error("an affine layer of the wrong size");
        const float *factor = gamma.host(), *offset = beta.host();
        const std::size_t weights = conv.weights.size() / outputs;
        for (std::size_t i = 0; i < outputs; ++i) {
            for (std::size_t j = 0; j < weights; ++j) conv.weights[i * weights + j] *= factor[i];
            conv.bias[i] = conv.bias[i] * factor[i] + offset[i];
        }
    }

    void write(dlib::relu_&) { next(layer_kind::relu); }

    template <long Rows, long Columns, int Down, int Right, int PadDown, int PadRight>
    void write(dlib::max_pool_<Rows, Columns, Down, Right, PadDown, PadRight>& pool) {
        take_window(pool, next(layer_kind::max_pool));
    }

    template <long Rows, long Columns, int Down, int Right, int PadDown, int PadRight>
    void write(dlib::avg_pool_<Rows, Columns, Down, Right, PadDown, PadRight>& pool) {
        if constexpr (Rows == 0 && Columns == 0) {
            next(layer_kind::average_all);
        } else {
            take_window(pool, next(layer_kind::average_pool));
        }
    }

    template <template <typename> class Tag>
    void write(dlib::add_prev_<Tag>&) {
        constexpr unsigned long id = dlib::add_prev_<Tag>::id;
        const std::size_t other = tags_.at(id);
        next(layer_kind::add).plus = other;
    }

    template <unsigned long Outputs, dlib::fc_bias_mode Bias>
    void write(dlib::fc_<Outputs, Bias>& full) {
        static_assert(Bias == dlib::FC_NO_BIAS, "a bias is not in the list");
        layer& one = next(layer_kind::linear);
        const dlib::tensor& numbers = full.get_layer_params();
        one.outputs = static_cast<long>(full.get_num_outputs());
        one.inputs = static_cast<long>(numbers.size()) / one.outputs;
        const float* from = numbers.host();
        one.weights.assign(from, from + numbers.size());
    }

    network* out_;
    std::size_t last_ = 0;                         ///< the value that the next layer reads
    std::map<unsigned long, std::size_t> tags_{};  ///< the value that a tag names, nearest below
};

template <typename Network>
result<network> list_of(Network& from) {
    network list;
    list_writer writer(list);
    dlib::visit_layers_backwards(from, writer);
    const auto& input = dlib::input_layer(from);
    list.input.mean = {input.get_avg_red(), input.get_avg_green(), input.get_avg_blue()};
    if (const auto fine = check(list); !fine) return fail(fine.error());
    return list;
}

/// `what` for the message; errors of dlib's reading become ours.
template <typename Load>
auto reading(const std::string& what, Load&& load) -> decltype(load()) {
    try {
        auto loaded = load();
        if (loaded) return loaded;
        return fail(loaded.error().code,
                    "the " + what + " cannot be used: " + loaded.error().detail);
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        return fail(errc::malformed, "the " + what + " cannot be read");
    }
}

}  // namespace

result<network> load_embedding_layers(const std::string& file) {
    return reading("embedding model", [&]() -> result<network> {
        dlib_networks::embedding model;
        dlib::deserialize(file) >> model;
        auto list = list_of(model);
        if (!list) return list;
        // The file says how many outputs its last layer has, not the type above.
        const auto shapes = shapes_of(*list, {3, limits::chip_side, limits::chip_side});
        if (!shapes || shapes->back().size() != dlib_dimension) {
            return fail(errc::malformed, "it does not output 128 values per chip");
        }
        return list;
    });
}

result<detector_layers> load_detector_layers(const std::string& file) {
    return reading("detector model", [&]() -> result<detector_layers> {
        dlib_networks::detector model;
        dlib::deserialize(file) >> model;
        auto list = list_of(model);
        if (!list) return fail(list.error());
        const auto& options = model.loss_details().get_options();
        if (options.detector_windows.size() != 1 || options.use_bounding_box_regression) {
            return fail(errc::malformed, "it has several windows or shifted boxes");
        }
        const auto& input = dlib::input_layer(model);
        detector_layers made;
        made.net = std::move(*list);
        made.padding = static_cast<long>(input.get_pyramid_padding());
        made.outer_padding = static_cast<long>(input.get_pyramid_outer_padding());
        made.window_width = static_cast<double>(options.detector_windows[0].width);
        made.window_height = static_cast<double>(options.detector_windows[0].height);
        made.overlap_max = options.overlaps_nms.get_iou_thresh();
        made.covered_max = options.overlaps_nms.get_percent_covered_thresh();
        return made;
    });
}

}  // namespace vultus
