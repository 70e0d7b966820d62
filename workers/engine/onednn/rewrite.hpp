// A layer list as oneDNN computes it fast: the same results by other layers. Pure.
#pragma once

#include <memory>

#include "workers/engine/layers.hpp"

namespace vultus {

/// Floats of the weights of one convolution after rewriting, 256 MiB.
constexpr long dense_weights_max = 1L << 26;

/// The list with nothing but convolutions without groups reading the picture, for only they read
/// planes; and with groups as wide as a multiple of `block` or one channel wide, for all others run
/// in reference code: they become convolutions without groups, the weights between groups zero.
/// Numbers are shared, not copied, if nothing has to change.
/// requires  check() found nothing
/// errors    bad_option: a convolution without groups would have more than dense_weights_max
///           weights
result<std::shared_ptr<const network>> rewritten(std::shared_ptr<const network>, long block);

}  // namespace vultus
