// One call after the other; the first that is refused ends it.
#include "workers/engine/cuda/descriptors.hpp"

#include <initializer_list>

namespace vultus::cuda {
namespace {

cudnnStatus_t tensor(cudnnTensorDescriptor_t& made, cudnnDataType_t type, int batch, int channels,
                     int rows, int columns) {
    const cudnnStatus_t status = cudnnCreateTensorDescriptor(&made);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    return cudnnSetTensor4dDescriptor(made, CUDNN_TENSOR_NHWC, type, batch, channels, rows,
                                      columns);
}

cudnnStatus_t filter(cudnnFilterDescriptor_t& made, cudnnDataType_t type, const convolution& c) {
    const cudnnStatus_t status = cudnnCreateFilterDescriptor(&made);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    return cudnnSetFilter4dDescriptor(made, type, CUDNN_TENSOR_NHWC, c.outputs, c.inputs,
                                      c.window_rows, c.window_columns);
}

cudnnStatus_t windows(cudnnConvolutionDescriptor_t& made, const convolution& c) {
    cudnnStatus_t status = cudnnCreateConvolutionDescriptor(&made);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    status =
        cudnnSetConvolution2dDescriptor(made, c.padding_rows, c.padding_columns, c.stride, c.stride,
                                        1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    // Default: TF32 for float32 where the GPU has it. Half sums in float32 either way.
    return cudnnSetConvolutionMathType(made, c.wide ? CUDNN_DEFAULT_MATH : CUDNN_TENSOR_OP_MATH);
}

cudnnStatus_t activation(cudnnActivationDescriptor_t& made, bool relu) {
    const cudnnStatus_t status = cudnnCreateActivationDescriptor(&made);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    return cudnnSetActivationDescriptor(made,
                                        relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY,
                                        CUDNN_NOT_PROPAGATE_NAN, 0.0);
}

}  // namespace

cudnnStatus_t descriptors::make(const convolution& c) {
    const cudnnDataType_t type = c.wide ? CUDNN_DATA_FLOAT : CUDNN_DATA_HALF;
    cudnnStatus_t status = tensor(x, type, c.batch, c.inputs, c.rows, c.columns);
    const auto next = [&](auto&& call) {
        if (status == CUDNN_STATUS_SUCCESS) status = call();
    };
    next([&] { return tensor(y, type, c.batch, c.outputs, c.out_rows, c.out_columns); });
    next([&] { return tensor(bias, type, 1, c.outputs, 1, 1); });
    next([&] { return filter(weights, type, c); });
    next([&] { return windows(window, c); });
    next([&] { return activation(after, c.relu != 0); });
    int batch = 0, channels = 0, rows = 0, columns = 0;
    next([&] {
        return cudnnGetConvolution2dForwardOutputDim(window, x, weights, &batch, &channels, &rows,
                                                     &columns);
    });
    if (status != CUDNN_STATUS_SUCCESS) return status;
    const bool same =
        batch == c.batch && channels == c.outputs && rows == c.out_rows && columns == c.out_columns;
    return same ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

descriptors::~descriptors() {
    for (const auto one : {x, y, bias}) {
        if (one != nullptr) cudnnDestroyTensorDescriptor(one);
    }
    if (weights != nullptr) cudnnDestroyFilterDescriptor(weights);
    if (window != nullptr) cudnnDestroyConvolutionDescriptor(window);
    if (after != nullptr) cudnnDestroyActivationDescriptor(after);
}

}  // namespace vultus::cuda
