// The cuda backend on a stand-in, made ready for a test in one call.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/workers/engine/cuda/stand_in_support.hpp"
#include "tests/workers/engine/plain_layers_support.hpp"
#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/device_network.hpp"

namespace vultus::testing {

/// requires  it can be opened
std::shared_ptr<cuda::gpu_context> session_on(const cuda::table& calls, int index = 0);

/// A layout of one level: the picture is the canvas.
cuda::input_size plain_input(long batch, long rows, long columns);

/// What a network is to see, and the size in which the pictures come.
struct pictures {
    cuda::input_size seen;
    long rows, columns;
};

struct numbers_of_run {
    std::vector<float> all;
    tensor_shape of_picture;
};

/// Pictures of bytes from a seed, where the GPU reads them.
cuda::staging::lent filled(cuda::device_network&, const pictures&, std::uint32_t seed);
/// Runs the network on these.
result<numbers_of_run> run_on(cuda::device_network&, const pictures&, std::uint32_t seed);
/// every_kind() with a mean of its own for each colour.
network every_kind_on_colours();
/// For it: two pictures at once that shrink, one in the middle of its canvas that shrinks one way
/// and grows the other, one that comes in its size and whose sums are fused.
const std::vector<pictures>& pictures_to_run();
/// Buffers for these, and a graph of the first.
cuda::capacity room_for_pictures(std::size_t programs);
/// What the plain loops make of the picture with that number among those of run_on().
plain_tensor expected_of(const network&, const pictures&, std::uint32_t seed, long number);

}  // namespace vultus::testing
