// The ids of a Redis stream: "<ms>-<n>", or "<ms>" for "<ms>-0". Pure.
#pragma once

#include <string_view>

namespace vultus {

bool is_stream_id(std::string_view text) noexcept;

/// Whether `a` is before `b`.
/// requires  is_stream_id() of both
bool is_before(std::string_view a, std::string_view b) noexcept;

}  // namespace vultus
