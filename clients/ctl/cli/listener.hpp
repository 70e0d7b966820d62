// What a long command tells while it runs: how far it is, and a line when something is decided.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace vultus::ctl {

struct listener {
    /// `done` of `all` `things` ("faces", "photos").
    std::function<void(std::uint64_t done, std::uint64_t all, const char* things)> progress;
    std::function<void(const std::string& line)> line;  ///< import: the verdict on a file
    std::function<bool()> stopped;                      ///< import: the user wants an end
};

/// "[#####.....] 12 of 24 photos": the bar has 30 places.
std::string progress_bar(std::uint64_t done, std::uint64_t all, const char* things);

}  // namespace vultus::ctl
