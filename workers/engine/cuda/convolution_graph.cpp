// One call after the other; the first that is refused ends it.
#include "workers/engine/cuda/convolution_graph.hpp"

#include <array>
#include <cstring>

namespace vultus::cuda {
namespace {

/// What the variant pack calls the memory.
enum name : std::int64_t { x = 1, weights, bias, residual, y, first_virtual };

constexpr std::int64_t alignment = 16;  ///< bytes; every address of ours has more

struct shape {
    std::int64_t batch, channels, rows, columns;
};

/// Channels last; weights are [output][row][column][input] and read as a batch of outputs.
cudnnStatus_t tensor(part& made, std::int64_t uid, cudnnDataType_t type, const shape& of) {
    const std::array<std::int64_t, 4> sizes{of.batch, of.channels, of.rows, of.columns};
    const std::array<std::int64_t, 4> strides{of.channels * of.rows * of.columns, 1,
                                              of.columns * of.channels, of.channels};
    const bool is_virtual = uid >= first_virtual;
    return calls()
        .then([&] { return made.create(CUDNN_BACKEND_TENSOR_DESCRIPTOR); })
        .then([&] { return set(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, uid); })
        .then([&] { return set(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type); })
        .then([&] {
            return set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, sizes.data(), 4);
        })
        .then([&] {
            return set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides.data(), 4);
        })
        .then([&] {
            return set(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, alignment);
        })
        .then(
            [&] { return set(made, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, is_virtual); })
        .then([&] { return made.finalize(); })
        .status();
}

cudnnStatus_t windows(part& made, const convolution& c) {
    const std::array<std::int64_t, 2> padding{c.padding_rows, c.padding_columns};
    const std::array<std::int64_t, 2> strides{c.stride, c.stride}, dilations{1, 1};
    const std::int64_t dimensions = 2;
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const auto pair = [&](cudnnBackendAttributeName_t what, const auto& values) {
        return set(made, what, CUDNN_TYPE_INT64, values.data(), 2);
    };
    return calls()
        .then([&] { return made.create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR); })
        .then([&] {
            return set(made, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, dimensions);
        })
        .then(
            [&] { return set(made, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, sums); })
        .then([&] {
            return set(made, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, mode);
        })
        .then([&] { return pair(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding); })
        .then([&] { return pair(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding); })
        .then([&] { return pair(CUDNN_ATTR_CONVOLUTION_DILATIONS, dilations); })
        .then([&] { return pair(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, strides); })
        .then([&] { return made.finalize(); })
        .status();
}

cudnnStatus_t convolution_step(part& made, const part& window, const part& from, const part& by,
                               const part& to) {
    const float one = 1.0f, none = 0.0f;
    const auto put = [&](cudnnBackendAttributeName_t what, const part& value) {
        return set(made, what, CUDNN_TYPE_BACKEND_DESCRIPTOR, value.get());
    };
    return calls()
        .then([&] { return made.create(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR); })
        .then([&] { return put(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, window); })
        .then([&] { return put(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, from); })
        .then([&] { return put(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, by); })
        .then([&] { return put(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, to); })
        .then([&] {
            return set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, one);
        })
        .then([&] {
            return set(made, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, none);
        })
        .then([&] { return made.finalize(); })
        .status();
}

/// plus: nullptr for relu.
cudnnStatus_t pointwise_step(part& made, part& rule, const part& from, const part* plus,
                             const part& to) {
    const cudnnPointwiseMode_t mode =
        plus == nullptr ? CUDNN_POINTWISE_RELU_FWD : CUDNN_POINTWISE_ADD;
    const cudnnDataType_t numbers = CUDNN_DATA_FLOAT;
    const auto put = [&](cudnnBackendAttributeName_t what, const part& value) {
        return set(made, what, CUDNN_TYPE_BACKEND_DESCRIPTOR, value.get());
    };
    return calls()
        .then([&] { return rule.create(CUDNN_BACKEND_POINTWISE_DESCRIPTOR); })
        .then([&] { return set(rule, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode); })
        .then([&] {
            return set(rule, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, numbers);
        })
        .then([&] { return rule.finalize(); })
        .then([&] { return made.create(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR); })
        .then([&] { return put(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, rule); })
        .then([&] { return put(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, from); })
        .then([&] {
            return plus == nullptr ? CUDNN_STATUS_SUCCESS
                                   : put(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *plus);
        })
        .then([&] { return put(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to); })
        .then([&] { return made.finalize(); })
        .status();
}

}  // namespace

cudnnStatus_t part::create(cudnnBackendDescriptorType_t type) {
    return cudnnBackendCreateDescriptor(type, &made_);
}

/// x * weights, + residual, + bias, relu: the order that cuDNN's fused engines know.
cudnnStatus_t convolution_graph(const convolution& c, cudnnHandle_t handle,
                                std::vector<part>& pieces, part& graph) {
    const cudnnDataType_t type = c.wide ? CUDNN_DATA_FLOAT : CUDNN_DATA_HALF;
    const shape out{c.batch, c.outputs, c.out_rows, c.out_columns};
    calls all;
    std::vector<cudnnBackendDescriptor_t> steps;
    pieces.reserve(24);  // none moves: steps refer to them
    const auto fresh = [&]() -> part& { return pieces.emplace_back(); };
    part &in = fresh(), &by = fresh(), &plus = fresh(), &last = fresh(), &window = fresh();
    all.then([&] {
           return tensor(in, x, type, {c.batch, c.inputs, c.rows, c.columns});
       })
        .then([&] {
            return tensor(by, weights, type,
                          {c.outputs, c.inputs, c.window_rows, c.window_columns});
        })
        .then([&] {
            return tensor(plus, bias, type, {1, c.outputs, 1, 1});
        })
        .then([&] { return tensor(last, y, type, out); })
        .then([&] { return windows(window, c); });
    std::int64_t uid = first_virtual;
    const auto between = [&]() -> part& {
        part& made = fresh();
        all.then([&] { return tensor(made, uid++, CUDNN_DATA_FLOAT, out); });
        return made;
    };
    const part* sum = &between();
    const auto keep = [&](part& step) { steps.push_back(step.get()); };
    part& first = fresh();
    all.then([&] { return convolution_step(first, window, in, by, *sum); });
    keep(first);
    const auto add = [&](const part* what, const part& to) {
        part &step = fresh(), &rule = fresh();
        all.then([&] { return pointwise_step(step, rule, *sum, what, to); });
        keep(step);
        sum = &to;
    };
    if (c.residual) {
        part& other = fresh();
        all.then([&] { return tensor(other, residual, type, out); });
        add(&other, between());
    }
    add(&plus, c.relu ? between() : last);
    if (c.relu) add(nullptr, last);
    return all.then([&] { return graph.create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR); })
        .then([&] {
            return set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                       steps.data(), steps.size());
        })
        .then([&] {
            return handle == nullptr
                       ? CUDNN_STATUS_SUCCESS
                       : set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle);
        })
        .then([&] { return graph.finalize(); })
        .status();
}

cudnnStatus_t execute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                      const convolution_memory& where, bool has_residual) {
    std::array<std::int64_t, 5> uids{x, weights, bias, y, residual};
    std::array<const void*, 5> memory{where.x, where.weights, where.bias, where.y, where.residual};
    const std::size_t count = has_residual ? 5 : 4;
    part pack;
    return calls()
        .then([&] { return pack.create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR); })
        .then([&] {
            return set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, uids.data(),
                       count);
        })
        .then([&] {
            return set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                       memory.data(), count);
        })
        .then([&] {
            return set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR,
                       where.workspace);
        })
        .then([&] { return pack.finalize(); })
        .then([&] { return cudnnBackendExecute(handle, plan, pack.get()); })
        .status();
}

cudnnStatus_t properties_from(const char* json, part& made) {
#if CUDNN_VERSION >= 90800
    return calls()
        .then([&] { return made.create(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR); })
        .then([&] {
            return set(made, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, json,
                       std::strlen(json));
        })
        .then([&] { return made.finalize(); })
        .status();
#else
    (void)json;
    (void)made;
    return CUDNN_STATUS_NOT_SUPPORTED;
#endif
}

}  // namespace vultus::cuda
