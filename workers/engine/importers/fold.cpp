// Values that a fold removes are other values from then on; at the end the list closes its ranks.
#include "workers/engine/importers/fold.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vultus::importers {
namespace {

bool reads_plus(const layer& one) {
    return one.kind == layer_kind::add || one.kind == layer_kind::multiply;
}

bool has_outputs(const layer& one) {
    return one.kind == layer_kind::conv || one.kind == layer_kind::conv_transpose ||
           one.kind == layer_kind::linear;
}

float narrowed(double value) {
    return static_cast<float>(value);
}
double widened(float value) {
    return static_cast<double>(value);
}

bool finite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

/// out * factor + offset, in the layer that makes it.
layer scaled_after(layer one, const layer& scale) {
    const auto outputs = static_cast<std::size_t>(one.outputs);
    one.bias.resize(outputs, 0.0f);
    const bool rows_first = one.kind != layer_kind::linear;  // [output][...], else [...][output]
    const std::size_t each = one.weights.size() / outputs;
    for (std::size_t i = 0; i < one.weights.size(); ++i) {
        const std::size_t output = rows_first ? i / each : i % outputs;
        one.weights[i] = narrowed(widened(one.weights[i]) * widened(scale.weights[output]));
    }
    for (std::size_t i = 0; i < outputs; ++i) {
        one.bias[i] =
            narrowed(widened(one.bias[i]) * widened(scale.weights[i]) + widened(scale.bias[i]));
    }
    return one;
}

/// The layer that reads in * factor + offset, made to read `in`.
layer scaled_before(layer one, const layer& scale) {
    const auto outputs = static_cast<std::size_t>(one.outputs);
    std::vector<double> bias(outputs, 0.0);
    std::copy(one.bias.begin(), one.bias.end(), bias.begin());
    const auto channels = scale.weights.size();
    const bool linear = one.kind == layer_kind::linear;
    const auto inputs = static_cast<std::size_t>(one.inputs / one.groups);
    const auto places = static_cast<std::size_t>(one.rows * one.columns);
    for (std::size_t i = 0; i < one.weights.size(); ++i) {
        const std::size_t output = linear ? i % outputs : i / (inputs * places);
        const std::size_t group = output / (outputs / static_cast<std::size_t>(one.groups));
        const std::size_t channel =
            linear ? i / outputs / (inputs / channels) : group * inputs + i / places % inputs;
        bias[output] += widened(one.weights[i]) * widened(scale.bias[channel]);
        one.weights[i] = narrowed(widened(one.weights[i]) * widened(scale.weights[channel]));
    }
    one.bias.assign(bias.begin(), bias.end());
    return one;
}

bool can_be_scaled_before(const layer& one, const layer& scale) {
    if (one.kind == layer_kind::linear) return true;
    if (one.kind != layer_kind::conv) return false;
    const bool no_offset = std::all_of(scale.bias.begin(), scale.bias.end(),
                                       [](float offset) { return offset == 0.0f; });
    return no_offset || (one.padding_rows == 0 && one.padding_columns == 0);
}

class folder {
 public:
    explicit folder(network net) : net_(std::move(net)), gone_(net_.layers.size()) {
        for (std::size_t i = 0; i <= net_.layers.size(); ++i) is_.push_back(i);
    }

    network folded() {
        for (std::size_t i = 0; i < net_.layers.size(); ++i) resolve(net_.layers[i]);
        count_readers();
        for (std::size_t i = 0; i < net_.layers.size(); ++i) {
            resolve(net_.layers[i]);
            if (net_.layers[i].kind == layer_kind::affine) fold_back(i);
        }
        for (std::size_t i = net_.layers.size(); i-- > 0;) {
            if (!gone_[i] && net_.layers[i].kind == layer_kind::affine) fold_forward(i);
        }
        return closed();
    }

 private:
    void resolve(layer& one) {
        one.from = is_[one.from];
        one.plus = reads_plus(one) ? is_[one.plus] : 0;
    }

    void count_readers() {
        readers_.assign(is_.size(), 0);
        reader_.assign(is_.size(), 0);
        for (std::size_t i = 0; i < net_.layers.size(); ++i) {
            for (const std::size_t value : operands(net_.layers[i])) {
                ++readers_[value];
                reader_[value] = i;
            }
        }
        for (const network_output& one : outputs_of(net_)) readers_[one.value] += 2;
    }

    static std::vector<std::size_t> operands(const layer& one) {
        if (!reads_plus(one)) return {one.from};
        return {one.from, one.plus};
    }

    /// Value i + 1 is value `other` from here on, with its readers.
    void leave_out(std::size_t i, std::size_t other) {
        gone_[i] = true;
        is_[i + 1] = other;
        readers_[other] += readers_[i + 1] - 1;
        reader_[other] = reader_[i + 1];
    }

    void fold_back(std::size_t i) {
        const layer& scale = net_.layers[i];
        const std::size_t from = scale.from;
        if (readers_[from] != 1) return;
        if (from == 0) {
            if (fold_into_input(scale)) leave_out(i, 0);
            return;
        }
        layer& maker = net_.layers[from - 1];
        if (!has_outputs(maker) && maker.kind != layer_kind::affine) return;
        layer made =
            maker.kind == layer_kind::affine ? composed(maker, scale) : scaled_after(maker, scale);
        maker = std::move(made);
        leave_out(i, from);
    }

    static layer composed(layer first, const layer& second) {
        for (std::size_t k = 0; k < first.weights.size(); ++k) {
            const double factor = widened(second.weights[k]);
            first.bias[k] = narrowed(widened(first.bias[k]) * factor + widened(second.bias[k]));
            first.weights[k] = narrowed(widened(first.weights[k]) * factor);
        }
        return first;
    }

    /// (byte - mean) * scale * factor + offset, as another mean and scale.
    bool fold_into_input(const layer& one) {
        input_format made = net_.input;
        for (std::size_t k = 0; k < 3; ++k) {
            const double scale = widened(made.scale[k]) * widened(one.weights[k]);
            made.mean[k] = narrowed(widened(made.mean[k]) - widened(one.bias[k]) / scale);
            made.scale[k] = narrowed(scale);
            if (!std::isfinite(made.mean[k]) || !std::isfinite(made.scale[k]) ||
                made.scale[k] == 0.0f) {
                return false;
            }
        }
        net_.input = made;
        return true;
    }

    void fold_forward(std::size_t i) {
        if (readers_[i + 1] != 1) return;
        layer& reader = net_.layers[reader_[i + 1]];
        if (!can_be_scaled_before(reader, net_.layers[i])) return;
        layer made = scaled_before(reader, net_.layers[i]);
        if (!finite(made.weights) || !finite(made.bias)) return;
        reader = std::move(made);
        reader.from = net_.layers[i].from;
        gone_[i] = true;
        is_[i + 1] = net_.layers[i].from;
    }

    /// The list without what is gone and without what no output needs.
    network closed() {
        std::vector<bool> needed(is_.size(), false);
        std::vector<network_output> outputs = outputs_of(net_);
        for (network_output& one : outputs) {
            one.value = is_[one.value];
            needed[one.value] = true;
        }
        for (std::size_t i = net_.layers.size(); i-- > 0;) {
            if (!needed[i + 1] || gone_[i]) continue;
            for (const std::size_t value : operands(net_.layers[i])) needed[is_[value]] = true;
        }
        network made;
        made.input = net_.input;
        std::vector<std::size_t> number(is_.size(), 0);
        for (std::size_t i = 0; i < net_.layers.size(); ++i) {
            if (!needed[i + 1] || gone_[i]) continue;
            layer& one = net_.layers[i];
            one.from = number[is_[one.from]];
            one.plus = number[is_[one.plus]];
            made.layers.push_back(std::move(one));
            number[i + 1] = made.layers.size();
        }
        for (network_output& one : outputs) one.value = number[one.value];
        made.outputs = std::move(outputs);
        return made;
    }

    network net_;
    std::vector<bool> gone_;
    std::vector<std::size_t> is_;                ///< which value each value is now
    std::vector<std::size_t> readers_, reader_;  ///< how many, and the last
};

}  // namespace

network folded(network net) {
    return folder(std::move(net)).folded();
}

}  // namespace vultus::importers
