// libvultus-cuda.so without a GPU: what it was built for, and how it refuses.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workers/engine/cuda/loader.hpp"

namespace vultus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename Function>
Function* exported(const char* name) {
    void* library = dlopen(VULTUS_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library, nullptr) << dlerror();
    return library == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(library, name));
}

TEST(gpu_library, is_compiled_for_the_whole_list) {
    const auto text = exported<const char*()>("vultus_cuda_architectures");
    ASSERT_NE(text, nullptr);
    EXPECT_STREQ(text(), "750,800,860,890,900,1000,1200");
}

TEST(gpu_library, finds_what_cudnn_opens_by_itself) {
    const auto missing = exported<const char*()>("vultus_cuda_missing");
    ASSERT_NE(missing, nullptr);
    EXPECT_STREQ(missing(), nullptr);
}

TEST(gpu_library, gives_its_table_or_one_line) {
    const auto table = cuda::load_table(VULTUS_CUDA_LIBRARY);
    if (table) {
        EXPECT_EQ((*table)->version, cuda::table_version);
        return;
    }
    EXPECT_EQ(table.error().code, errc::bad_option);
    EXPECT_THAT(table.error().detail, Not(HasSubstr("\n")));
    EXPECT_THAT(table.error().detail, HasSubstr("driver"));
}

}  // namespace
}  // namespace vultus
