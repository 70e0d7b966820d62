// Callbacks of a long command: its progress, and the lines that it prints while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace vultus::ctl {

struct listener {
    /// `done` of `all` `things` ("faces", "photos").
    std::function<void(std::uint64_t done, std::uint64_t all, const char* things)> progress;
    std::function<void(const std::string& line)> line;  ///< import: the verdict on a file
    std::function<bool()> stopped;                      ///< import: the user asked to stop
};

/// "[#####.....] 12 of 24 photos": the bar has 30 characters.
std::string progress_bar(std::uint64_t done, std::uint64_t all, const char* things);

}  // namespace vultus::ctl
