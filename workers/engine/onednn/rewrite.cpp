// Two rewritings, each done only where it is needed.
#include "workers/engine/onednn/rewrite.hpp"

#include <algorithm>

namespace vultus {
namespace {

/// Whether oneDNN has fast code for the groups.
bool fast_groups(const layer& one, long block) {
    if (one.groups == 1 || (one.groups == one.inputs && one.groups == one.outputs)) return true;
    return one.inputs / one.groups % block == 0 && one.outputs / one.groups % block == 0;
}

bool reads_planes(const layer& one, std::size_t picture) {
    const bool plus =
        (one.kind == layer_kind::add || one.kind == layer_kind::multiply) && one.plus == picture;
    return plus || (one.from == picture && (one.kind != layer_kind::conv || one.groups != 1));
}

layer without_groups(const layer& one) {
    layer dense = one;
    dense.groups = 1;
    const long places = one.rows * one.columns, inputs = one.inputs / one.groups;
    dense.weights.assign(static_cast<std::size_t>(one.outputs * one.inputs * places), 0.0f);
    for (long output = 0; output < one.outputs; ++output) {
        const long first = output / (one.outputs / one.groups) * inputs;
        std::copy_n(one.weights.begin() + output * inputs * places, inputs * places,
                    dense.weights.begin() + (output * one.inputs + first) * places);
    }
    return dense;
}

/// Three channels to themselves: 1 * a + 0 * b + 0 * c is exact.
layer identity() {
    layer one;
    one.kind = layer_kind::conv;
    one.inputs = one.outputs = 3;
    one.weights = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    one.bias = {0, 0, 0};
    return one;
}

}  // namespace

result<std::shared_ptr<const network>> rewritten(std::shared_ptr<const network> net, long block) {
    const auto slow = [&](const layer& one) {
        return one.kind == layer_kind::conv && !fast_groups(one, block);
    };
    const auto off_planes = [](const layer& one) { return reads_planes(one, 0); };
    const bool converts = std::any_of(net->layers.begin(), net->layers.end(), off_planes);
    if (!converts && std::none_of(net->layers.begin(), net->layers.end(), slow)) return net;

    auto made = std::make_shared<network>(*net);
    for (layer& one : made->layers) {
        if (!slow(one)) continue;
        if (one.outputs * one.inputs * one.rows * one.columns > dense_weights_max) {
            return fail(errc::bad_option,
                        "a convolution has groups of " + std::to_string(one.inputs / one.groups) +
                            " channels, and too many of them to be computed without");
        }
        one = without_groups(one);
    }
    if (converts) {  // every value is one later; what read the picture reads its copy
        made->layers.insert(made->layers.begin(), identity());
        for (auto one = made->layers.begin() + 1; one != made->layers.end(); ++one) {
            ++one->from;
            ++one->plus;
        }
        for (network_output& one : made->outputs) ++one.value;
    }
    return std::shared_ptr<const network>(std::move(made));
}

}  // namespace vultus
