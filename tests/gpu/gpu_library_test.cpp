// libvultus-cuda.so without a GPU: what it was built for, how it refuses, and whether cuDNN takes
// every descriptor that the tests' stand-in takes.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/cuda/stand_in_work_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/buckets.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/engine/cuda/program.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/models.hpp"

namespace vultus {
namespace {

using namespace testing;
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

/// Both sides' word on each convolution of the list for that input. returns  how many there were
std::size_t compare_descriptors(const network& net, const cuda::input_size& size) {
    const auto describes = exported<int(const cuda::convolution*)>("vultus_cuda_describes");
    if (describes == nullptr) return 0;
    std::size_t seen = 0;
    cuda::addresses at;
    at.layers.resize(net.layers.size());
    at.arena = std::uintptr_t{1} << 40;
    at.workspace = reinterpret_cast<void*>(std::uintptr_t{1} << 20);
    at.workspace_bytes = 1u << 30;
    for (const bool wide : {false, true}) {
        const auto work = cuda::compose(net, wide, size, at);
        EXPECT_TRUE(work);
        for (const cuda::launch& one : work->all) {
            const auto* conv = std::get_if<cuda::convolve>(&one);
            if (conv == nullptr) continue;
            ++seen;
            EXPECT_EQ(looked_at(conv->what, conv->where).wrong, "");
            EXPECT_EQ(describes(&conv->what), 0) << conv->what.rows << 'x' << conv->what.columns;
            // Neither takes an output of another size.
            cuda::convolution other = conv->what;
            other.out_columns += 1;
            EXPECT_NE(looked_at(other, conv->where).wrong, "");
            EXPECT_NE(describes(&other), 0);
        }
    }
    return seen;
}

TEST(gpu_library, cudnn_takes_every_descriptor_that_the_stand_in_takes) {
    const auto face =
        load_embedding_layers(models_folder() + "/" + std::string(models_wanted[2].name));
    const auto finder =
        load_detector_layers(models_folder() + "/" + std::string(models_wanted[0].name));
    ASSERT_TRUE(face && finder);
    for (const long bucket : cuda::bucket_sizes) {
        EXPECT_GT(compare_descriptors(*face, plain_input(bucket, 150, 150)), 50u);
    }
    const network split = split_columns(finder->net);
    for (const auto& [rows, columns] :
         {std::pair{40L, 40L}, {480L, 640L}, {1080L, 1920L}, {2000L, 2000L}, {43L, 2000L}}) {
        const cuda::input_size size{
            1, pyramid_of(rows, columns, finder->padding, finder->outer_padding)};
        EXPECT_EQ(compare_descriptors(split, size), 14u);
    }
    for (const pictures& given : pictures_to_run()) {
        EXPECT_GT(compare_descriptors(every_kind_on_colours(), given.seen), 10u);
    }
}

TEST(gpu_library, cudnn_takes_the_convolutions_of_imported_networks) {
    EXPECT_EQ(compare_descriptors(mobile(), plain_input(8, 24, 24)), 2u * 7);
    EXPECT_EQ(compare_descriptors(activated_sums(), plain_input(3, 9, 7)), 2u * 8);
    const auto files = find_models(models_folder());
    ASSERT_TRUE(files) << files.error().detail;
    for (const auto& [name, file] : files->detectors) {
        const auto net = load_onnx(file, {});
        ASSERT_TRUE(net) << net.error().detail;
        for (const auto& [rows, columns] : {std::pair{768L, 768L}, {32L, 18'432L}, {160L, 96L}}) {
            EXPECT_GT(compare_descriptors(*net, plain_input(1, rows, columns)), 30u) << name;
        }
    }
}

}  // namespace
}  // namespace vultus
