// A GPU library whose functions compute on the CPU, loaded by a worker like the real one.
#include "tests/workers/engine/cuda/stand_in_support.hpp"

extern "C" const vultus::cuda::table* vultus_cuda_table(char*, std::size_t) {
    // Never taken down: the threads of a worker that ends may still be on it.
    static auto* const gpu = new vultus::testing::stand_in;
    return &gpu->calls();
}
