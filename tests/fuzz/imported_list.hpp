// What the fuzz targets of the importers hold against whatever they read.
#pragma once

#include <cstdlib>

#include "workers/engine/importers/importers.hpp"

namespace vultus::fuzz {

/// Ends the process unless it is a list that can be computed, its values bounded, or one clear
/// refusal.
inline void expect_list_or_refusal(const result<network>& list) {
    if (!list) {
        if (list.error().code != errc::malformed || list.error().detail.empty()) std::abort();
        return;
    }
    if (!check(*list)) std::abort();
    if (const auto shapes = shapes_of(*list, {3, 64, 48}); shapes) {
        for (const tensor_shape& one : *shapes) {
            if (one.size() > value_floats_max || one.size() == 0) std::abort();
        }
    }
}

}  // namespace vultus::fuzz
