// The cuda backend on a stand-in of the CUDA libraries, set up for a test in one call.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/workers/engine/cuda/stand_in_support.hpp"
#include "tests/workers/engine/plain_layers_support.hpp"
#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/device_network.hpp"

namespace vultus::testing {

/// requires  the GPU with that index can be opened
std::shared_ptr<cuda::gpu_context> session_on(const cuda::table& calls, int index = 0);

/// A layout with one pyramid level: the picture is the whole canvas.
cuda::input_size plain_input(long batch, long rows, long columns);

/// The input size of a network, and the size of the given pictures.
struct pictures {
    cuda::input_size seen;
    long rows, columns;
};

struct numbers_of_run {
    std::vector<float> all;
    tensor_shape of_picture;
};

/// Pictures of pseudorandom bytes, in memory that the GPU reads.
cuda::staging::lent filled(cuda::device_network&, const pictures&, std::uint32_t seed);
/// Runs the network on these.
result<numbers_of_run> run_on(cuda::device_network&, const pictures&, std::uint32_t seed);
/// every_kind() with a separate mean for each colour.
network every_kind_on_colours();
/// For every_kind_on_colours(): two pictures in one batch that shrink; one in the middle of its
/// canvas that shrinks in one direction and grows in the other; one that is not resized and whose
/// sums are fused.
const std::vector<pictures>& pictures_to_run();
/// The capacity for pictures_to_run(), with a graph of the first.
cuda::capacity room_for_pictures(std::size_t programs);
/// The result of the plain loops for one of the pictures of run_on(), by its number.
plain_tensor expected_of(const network&, const pictures&, std::uint32_t seed, long number);

}  // namespace vultus::testing
