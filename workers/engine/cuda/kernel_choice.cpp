#include "workers/engine/cuda/kernel_choice.hpp"

#include "workers/engine/cuda/kernel_depthwise.hpp"
#include "workers/engine/cuda/packing.hpp"

namespace vultus::cuda {
namespace {

/// Whether depthwise_body() is made for it.
bool is_depthwise(const layer& what) {
    return what.kind == layer_kind::conv && what.groups == what.inputs &&
           what.groups == what.outputs && what.rows == what.columns &&
           (what.rows == 3 || what.rows == 5) && (what.stride == 1 || what.stride == 2);
}

}  // namespace

finish finish_of(activation what) {
    switch (what) {
        case activation::relu:
            return finish::relu;
        case activation::prelu:
            return finish::prelu;
        case activation::sigmoid:
            return finish::sigmoid;
        case activation::none:
            break;
    }
    return finish::none;
}

kernel kernel_of(const layer& what) {
    switch (what.kind) {
        case layer_kind::conv:
            return is_depthwise(what) ? kernel::depthwise : kernel::grouped;
        case layer_kind::conv_transpose:
            return kernel::transposed;
        case layer_kind::affine:
            return kernel::affine;
        case layer_kind::max_pool:
        case layer_kind::average_pool:
            return kernel::pool;
        case layer_kind::upsample:
            return kernel::upsample;
        case layer_kind::add:
            return kernel::add;
        case layer_kind::multiply:
            return kernel::multiply;
        case layer_kind::linear:
            return kernel::linear;
        case layer_kind::column_sum:
            return kernel::column_sum;
        default:
            return kernel::activate;
    }
}

long pieces_of(const layer& what, const step& one, long batch) {
    const long channels = padded(one.out.channels), pixels = one.out.rows * one.out.columns;
    switch (kernel_of(what)) {
        case kernel::linear:
            return batch * pixels * channels;
        case kernel::column_sum:
            return batch * one.in.rows * one.in.columns;
        case kernel::depthwise: {
            const long runs = (one.out.columns + row_at_once - 1) / row_at_once;
            return batch * one.out.rows * runs * channels / channel_step;
        }
        default:
            return batch * pixels * channels / channel_step;
    }
}

}  // namespace vultus::cuda
