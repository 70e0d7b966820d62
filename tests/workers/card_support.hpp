// The cuda backend on a stand-in, made ready for a test in one call.
#pragma once

#include <memory>
#include <string>

#include "plain_layers_support.hpp"
#include "stand_in_support.hpp"
#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/device_network.hpp"

namespace vultus::testing {

/// requires  it can be opened
std::shared_ptr<cuda::session> session_on(const cuda::table& calls, int index = 0);

/// A layout of one level: the picture is the canvas.
cuda::input_size plain_input(long batch, long rows, long columns);

/// Fills the pictures with bytes from a seed.
void fill(cuda::device_network&, const cuda::input_size&, std::uint32_t seed);
/// every_kind() with a mean of its own for each colour.
network every_kind_on_colours();
/// Inputs for it: two pictures at once, one in the middle of its canvas, one whose sums are fused.
const std::vector<cuda::input_size>& sizes_to_run();
/// What the plain loops make of the picture with that number among those of fill().
plain_tensor expected_of(const network&, const cuda::input_size&, std::uint32_t seed, long number);

}  // namespace vultus::testing
