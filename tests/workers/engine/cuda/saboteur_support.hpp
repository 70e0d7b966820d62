// Defects that a backend could have, as the GPU would see them: a table that asks something else
// of the GPU than the backend does. Each one must be caught by the tests of the backend.
#pragma once

#include <array>
#include <string_view>

#include "workers/engine/cuda/table.hpp"

namespace vultus::testing {

enum class defect {
    none,
    wrong_pad,             ///< convolutions without their border
    wrong_stride,          ///< convolutions at every pixel
    nchw_weights,          ///< weights with the channels first
    wrong_bias,            ///< the bias of the convolution before
    missing_relu,          ///< convolutions without it
    missing_add_relu,      ///< sums without it
    swapped_residual,      ///< the input instead of the other operand
    missing_residual,      ///< no operand at all
    swapped_shapes,        ///< the two operands of a sum in each other's shape
    mean_for_maximum,      ///< the other pool
    swapped_colours,       ///< the mean of red taken from blue
    swapped_sides,         ///< pictures as high as they are wide
    not_resized,           ///< pictures taken for ones of the size that is looked at
    not_cleared,           ///< the canvas as the last picture left it
    half_upload,           ///< only the first half of the pictures goes up
    missing_launch,        ///< one kernel is forgotten
    shared_workspace,      ///< the workspace lies in the input
    missing_wait,          ///< the result is read at once
    early_wait,            ///< the wait is for what was done before the result came
    stale_graph,           ///< always the first graph
    freed_host_buffer,     ///< the pictures' memory is given back before they are up
    wait_while_capturing,  ///< a wait between launches
    malloc_while_capturing,
    default_stream,             ///< kernels on the default stream
    no_use_of_device,           ///< a second thread goes on without it
    leaked_memory,              ///< nothing is given back
    ignored_status,             ///< a refused launch counts as done
    workspace_of_another_plan,  ///< a plan gets what the next one needs
    plan_of_another_shape,      ///< the first convolution's plan for all
    dropped_plan,               ///< a plan goes before its graph is launched
    sum_in_place,               ///< y where the residual lies
    // of the layers that only imported networks have
    grouped_without_border,
    grouped_at_every_pixel,
    one_group_for_all,      ///< every output sees the first group's inputs
    narrow_window,          ///< depthwise windows of five as if they were of three
    missing_prelu_on_load,  ///< numbers that a depthwise convolution reads as they are
    one_slope_on_load,      ///< the first channel's
    missing_group_sum,      ///< grouped convolutions without what is added in place
    wrong_offsets,          ///< the weights instead of the bias
    wrong_factors,          ///< affine layers with the offsets as factors
    transposed_not_cut,     ///< transposed convolutions with the border that is to be cut off
    transposed_too_close,   ///< their windows at every pixel
    mirrored_places,        ///< the places of their windows in the other order
    missing_prelu,          ///< numbers below zero as they are
    prelu_as_relu,          ///< numbers below zero as zero
    one_slope_for_all,      ///< the first channel's
    missing_sigmoid,
    sigmoid_in_padding,  ///< channels of padding that are a half
    missing_activation,  ///< nothing behind cuDNN's convolutions
    gate_as_picture,     ///< one factor a channel taken for one a pixel
    missing_addend,      ///< products and larger pictures without what is added
    wrong_upsample,      ///< twice the factor
    half_a_mean,         ///< of each row the left half
    half_for_float,      ///< vectors in half precision that are read as float32
    float_for_half,      ///< and the other way round
    linear_without_offsets,
    swapped_inputs,      ///< as many channels as a linear layer reads pixels
    missing_planes,      ///< outputs that stay where they are
    one_output_for_all,  ///< the first one's numbers in all others
    swapped_bgr,         ///< blue and red in the wrong order
    one_scale,           ///< the first colour's for all
    half_download        ///< only the first half of the results comes down
};
constexpr std::size_t defects = static_cast<std::size_t>(defect::half_download) + 1;

std::string_view name_of(defect);

/// A table over `honest`, which outlives it, with that defect. One at a time in a process.
cuda::table with_defect(const cuda::table& honest, defect);

}  // namespace vultus::testing
