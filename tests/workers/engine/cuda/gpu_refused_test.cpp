// What the cuda backend refuses before it looks at a picture: other models, weights beyond half
// precision, a GPU without room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/engine/models.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;

std::string model(std::size_t number) {
    return models_folder() + "/" + std::string(models_wanted[number].name);
}

TEST(gpu_refused, the_other_network) {
    stand_in machine;
    {
        const auto gpu = session_on(machine.calls());
        EXPECT_EQ(cuda::load_embedder(gpu, model(0), {}).error().code, errc::malformed);
        EXPECT_EQ(cuda::load_detector(gpu, model(2), {}).error().code, errc::malformed);
        EXPECT_EQ(cuda::load_detector(gpu, "/nowhere", {}).error().code, errc::malformed);
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_refused, a_gpu_without_room_for_the_detector) {
    stand_in machine({.memory_bytes = cuda::headroom_bytes + (20u << 20)});
    const auto refused = cuda::load_detector(session_on(machine.calls()), model(0), {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_option);
    EXPECT_THAT(refused.error().detail, HasSubstr("worker.gpu_memory_mib"));
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_refused, batches_of_none) {
    stand_in machine;
    const auto refused =
        cuda::load_embedder(session_on(machine.calls()), model(2), {.chips_max = 0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_option);
}

TEST(gpu_refused, a_weight_beyond_half_precision) {
    network net = every_kind();
    net.layers[0].weights[0] = 1e6f;
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    const auto refused =
        cuda::device_network::make(gpu, net, precision::fp16, {{pictures_to_run()[0].seen}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::malformed);
    EXPECT_TRUE(
        cuda::device_network::make(gpu, net, precision::tf32, {{pictures_to_run()[0].seen}}))
        << "float32 holds it";
}

TEST(gpu_refused, a_picture_smaller_than_the_window) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    const cuda::input_size tiny = plain_input(1, 2, 2);
    const auto refused = cuda::device_network::make(gpu, every_kind(), precision::fp16, {{tiny}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_option);
    auto net = cuda::device_network::make(gpu, every_kind(), precision::fp16,
                                          {{pictures_to_run()[0].seen}});
    ASSERT_TRUE(net);
    EXPECT_EQ(run_on(*net, {tiny, 2, 2}, 1).error().code, errc::bad_option);
}

/// Puts some bytes on a GPU whose call with this number fails, and all after it.
void upload_with_fault(int call) {
    stand_in machine({.fail_call = call});
    const auto gpu = session_on(machine.calls());
    const std::vector<std::byte> bytes(64);
    std::_Exit(cuda::uploaded(gpu, bytes, "tests") ? 0 : 1);
}

TEST(gpu_refused, an_upload_that_the_gpu_breaks) {
    constexpr int opened = 5, pieces = 2;  // calls before, and for the memory on both sides
    for (int call = opened + pieces + 1; call <= opened + pieces + 2; ++call) {
        // Not even the memory can be given back: a fault of the device.
        EXPECT_EXIT(upload_with_fault(call), ExitedWithCode(70), "") << call;
    }
    EXPECT_EXIT(upload_with_fault(opened + pieces + 5), ExitedWithCode(0), "");
}

TEST(gpu_loader, asks_the_library_and_looks_at_its_version) {
    const auto refused = [] {
        const auto loaded = cuda::load_table(VULTUS_SAMPLE_LIBRARY);
        return loaded ? "" : loaded.error().detail;
    };
    EXPECT_EQ(refused(), "cuda backend unusable: there is no driver");
    EXPECT_THAT(refused(), HasSubstr("libsample.so has another version"));
    const auto loaded = cuda::load_table(VULTUS_SAMPLE_LIBRARY);
    ASSERT_TRUE(loaded) << loaded.error().detail;
    EXPECT_EQ((*loaded)->version, cuda::table_version);
}

TEST(gpu_loader, names_the_library) {
    EXPECT_TRUE(cuda::library_file().ends_with("libvultus-cuda.so"));
}

}  // namespace
}  // namespace vultus
