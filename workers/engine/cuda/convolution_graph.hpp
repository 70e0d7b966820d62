// A fused convolution as an operation graph of cuDNN, and the pieces that such a graph consists of.
// Needs no GPU and no driver but to execute one.
#pragma once

#include <cudnn.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

/// A descriptor of cuDNN's graph interface, destroyed with this.
class part {
 public:
    part() = default;
    part(part&& other) noexcept : made_(std::exchange(other.made_, nullptr)) {}
    part& operator=(part&& other) noexcept {
        std::swap(made_, other.made_);
        return *this;
    }
    ~part() {
        if (made_ != nullptr) cudnnBackendDestroyDescriptor(made_);
    }
    cudnnStatus_t create(cudnnBackendDescriptorType_t);
    cudnnStatus_t finalize() { return cudnnBackendFinalize(made_); }
    cudnnBackendDescriptor_t get() const { return made_; }

 private:
    cudnnBackendDescriptor_t made_ = nullptr;
};

template <typename Value>
cudnnStatus_t set(const part& of, cudnnBackendAttributeName_t what,
                  cudnnBackendAttributeType_t type, const Value* values, std::size_t count) {
    return cudnnBackendSetAttribute(of.get(), what, type, static_cast<std::int64_t>(count), values);
}
template <typename Value>
cudnnStatus_t set(const part& of, cudnnBackendAttributeName_t what,
                  cudnnBackendAttributeType_t type, const Value& value) {
    return set(of, what, type, &value, 1);
}

/// Calls until one fails.
class calls {
 public:
    template <typename Call>
    calls& then(Call&& call) {
        if (status_ == CUDNN_STATUS_SUCCESS) status_ = call();
        return *this;
    }
    cudnnStatus_t status() const { return status_; }

 private:
    cudnnStatus_t status_ = CUDNN_STATUS_SUCCESS;
};

/// The graph of a convolution, finalized. handle: nullptr for plans of a device's properties.
/// pieces: what it consists of; they live as long
cudnnStatus_t convolution_graph(const convolution&, cudnnHandle_t handle, std::vector<part>& pieces,
                                part& graph);

/// Puts the convolution into the handle's stream. `plan` was made for that handle.
cudnnStatus_t execute(cudnnHandle_t, cudnnBackendDescriptor_t plan, const convolution_memory&,
                      bool residual);

/// A device's properties from what cuDNN wrote of one as JSON. Needs no driver.
cudnnStatus_t properties_from(const char* json, part& made);

}  // namespace vultus::cuda
