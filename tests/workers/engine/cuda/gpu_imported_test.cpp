// The layers that only imported networks have, on a GPU (the stand-in): each alone against plain
// loops in double and against oneDNN on the CPU, behind the runner that both share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/engine/plain_layers_support.hpp"
#include "workers/engine/cuda/program.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// The same network on the GPU and on the CPU.
struct both_runners {
    std::unique_ptr<runner> gpu, cpu;
};

both_runners runners_of(const stand_in& machine, const network& net, precision numbers,
                        const warm_size& size) {
    const auto list = std::make_shared<const network>(net);
    auto gpu = cuda::make_cuda_runner(session_on(machine.calls()), list, numbers, {}, size);
    if (!gpu) throw std::runtime_error(gpu.error().detail + machine.refusal());
    return {std::move(*gpu), cpu_runners()(list, {}, size).value()};
}

/// Values of the network by plain loops, for one picture of those.
std::vector<plain_tensor> plain_values(const network& net, const random_pictures& given,
                                       std::size_t picture) {
    return computed(net,
                    picture_of(given.views[picture].rgb, given.rows, given.columns, net.input));
}

/// All outputs of both, of batches of one and three, in half and float32.
void expect_equal(const network& net, long rows, long columns) {
    const auto fine = check(net);
    ASSERT_TRUE(fine) << fine.error().detail;
    for (const auto& [numbers, allowed] :
         {std::pair{precision::tf32, 5e-6}, {precision::fp16, 6e-3}}) {
        stand_in machine;
        const auto both = runners_of(machine, net, numbers, {8, rows, columns});
        for (const std::size_t batch : {1u, 3u}) {
            const random_pictures given(batch, rows, columns, 5);
            for (int round = 0; round < 2; ++round) {  // launch by launch, and as a graph
                const auto ours = both.gpu->run(given.views, rows, columns);
                const auto theirs = both.cpu->run(given.views, rows, columns);
                ASSERT_TRUE(ours && theirs) << machine.refusal();
                expect_near(*ours, *theirs, allowed);
                const auto last = plain_values(net, given, batch - 1);
                expect_plain(*ours, outputs_of(net), last, batch - 1, allowed);
            }
        }
    }
}

TEST(gpu_imported, each_layer_alone_is_as_on_the_cpu) {
    expect_equal(bgr_with_means(all_named(mobile())), 24, 24);
}

TEST(gpu_imported, layers_that_are_one_step_are_as_on_the_cpu) {
    network net = bgr_with_means(mobile());
    net.outputs = {{"heat", 23}, {"odd", 16}, {"mean", 28}, {"read again", 12}};
    expect_equal(net, 24, 24);
    net.outputs.pop_back();
    expect_equal(net, 26, 24);  // not square; the mean is of a part
}

TEST(gpu_imported, transposed_windows_of_any_kind) {
    expect_equal(all_named(transposed_windows()), 7, 5);
}

/// All outputs as by plain loops.
void expect_as_plain(const network& net, long rows, long columns) {
    const auto fine = check(net);
    ASSERT_TRUE(fine) << fine.error().detail;
    for (const auto& [numbers, allowed] :
         {std::pair{precision::tf32, 5e-6}, {precision::fp16, 6e-3}}) {
        stand_in machine;
        const auto list = std::make_shared<const network>(net);
        const auto gpu = cuda::make_cuda_runner(session_on(machine.calls()), list, numbers, {},
                                                {8, rows, columns});
        ASSERT_TRUE(gpu) << gpu.error().detail << machine.refusal();
        const random_pictures given(3, rows, columns, 5);
        for (int round = 0; round < 2; ++round) {  // launch by launch, and as a graph
            const auto ours = (*gpu)->run(given.views, rows, columns);
            ASSERT_TRUE(ours) << machine.refusal();
            testing::expect_as_plain(*ours, net, given, allowed);
        }
    }
}

// Rows of any length: threads compute four pixels of one, and some of the last have none.
TEST(gpu_imported, depthwise_windows_of_any_kind) {
    for (const auto& [rows, columns] : {std::pair{16L, 16L}, {13L, 17L}, {24L, 18L}, {20L, 23L}}) {
        expect_as_plain(all_named(depthwise_windows()), rows, columns);
        expect_as_plain(depthwise_windows(), rows, columns);
    }
    const network net = depthwise_windows();
    cuda::addresses at;
    at.layers.resize(net.layers.size());
    std::size_t depthwise = 0, on_load = 0, alone = 0;
    const cuda::launches work = cuda::compose(net, false, plain_input(2, 9, 13), at).value();
    for (const cuda::launch& one : work.all) {
        const auto* call = std::get_if<cuda::kernel_call>(&one);
        if (call == nullptr) continue;
        depthwise += call->what == cuda::kernel::depthwise;
        on_load += call->before == cuda::finish::prelu;
        alone += call->what == cuda::kernel::activate;
        EXPECT_NE(call->what, cuda::kernel::grouped);
    }
    EXPECT_EQ(depthwise, 6u);
    EXPECT_EQ(on_load, 2u) << "those that one depthwise convolution reads";
    EXPECT_EQ(alone, 1u) << "the one that two read";
}

TEST(gpu_imported, groups_of_any_width) {
    expect_equal(all_named(groups_of_any_width()), 9, 11);
    expect_equal(all_named(odd_groups()), 11, 10);
}

TEST(gpu_imported, what_reads_the_picture_itself) {
    expect_equal(all_named(on_the_picture()), 9, 8);
}

TEST(gpu_imported, vectors_go_through_linear_layers) {
    network net = vectors_of(5, 4);
    expect_equal(net, 5, 4);
    net.outputs = {{"last", 4}, {"between", 2}};
    expect_equal(net, 5, 4);
}

// The mean of few pixels, of many, and of a window that is the whole picture, as a vector in half
// and, before a linear layer, in float32.
TEST(gpu_imported, means_of_pictures_of_any_size) {
    for (const auto& [rows, columns] : {std::pair{8L, 8L}, {13L, 5L}, {1L, 67L}, {3L, 2L}}) {
        SCOPED_TRACE(std::to_string(rows) + "x" + std::to_string(columns));
        expect_equal(means_of(rows, columns), rows, columns);
    }
}

TEST(gpu_imported, sums_that_are_activated_in_each_way) {
    expect_equal(activated_sums(), 9, 7);
}

TEST(gpu_imported, a_single_vector_goes_down_as_it_lies_if_it_can) {
    for (const long outputs : {16L, 19L}) {
        expect_equal(mean_and_linear(outputs), 6, 5);
    }
}

TEST(gpu_imported, the_split_convolution_is_an_output_beside_none) {
    noise random;
    network net;
    net.layers = {conv(3, 8, 3, 1, 1, 0, random), conv(8, 1, 9, 1, 4, 1, random)};
    stand_in machine;
    const auto list = std::make_shared<const network>(split_columns(net));
    const auto ours =
        cuda::make_cuda_runner(session_on(machine.calls()), list, precision::tf32, {}, {1, 12, 9});
    ASSERT_TRUE(ours);
    const random_pictures given(1, 12, 9, 5);
    const auto out = (*ours)->run(given.views, 12, 9);
    ASSERT_TRUE(out);
    expect_plain(*out, outputs_of(net), plain_values(net, given, 0), 0, 5e-6);
}

TEST(gpu_imported, a_value_that_no_launch_can_count_is_refused) {
    noise random;
    network net;
    net.layers = {conv(3, 1'000, 1, 1, 0, 0, random)};
    cuda::addresses at;
    at.layers.resize(1);
    const auto refused = cuda::compose(net, false, plain_input(10, 500, 500), at);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_option);
    EXPECT_THAT(refused.error().detail, HasSubstr("too large for one GPU launch"));
    EXPECT_TRUE(cuda::compose(net, false, plain_input(4, 500, 500), at));
}

}  // namespace
}  // namespace vultus
