// Runs the tests that need a GPU only if there is one, and prints if there is none.
#include <gtest/gtest.h>

#include <cstdio>

#include "workers/engine/cuda/loader.hpp"

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const auto table = vultus::cuda::load_table(VULTUS_CUDA_LIBRARY);
    if (table) return RUN_ALL_TESTS();
    GTEST_FLAG_SET(filter, "-gpu_device.*");
    const int code = RUN_ALL_TESTS();
    std::printf("no GPU: not run (%s)\n", table.error().detail.c_str());
    return code;
}
