// See stream_id.hpp.
#include "shared/base/stream_id.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace vultus {
namespace {

using parts = std::pair<std::uint64_t, std::uint64_t>;

std::optional<std::uint64_t> number_in(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<parts> parts_of(std::string_view id) noexcept {
    const std::size_t dash = id.find('-');
    const auto ms = number_in(id.substr(0, dash));
    const auto n = dash == std::string_view::npos ? 0 : number_in(id.substr(dash + 1));
    if (!ms || !n) return std::nullopt;
    return parts{*ms, *n};
}

}  // namespace

bool is_stream_id(std::string_view text) noexcept {
    return parts_of(text).has_value();
}

bool is_before(std::string_view a, std::string_view b) noexcept {
    return parts_of(a).value_or(parts{}) < parts_of(b).value_or(parts{});
}

}  // namespace vultus
