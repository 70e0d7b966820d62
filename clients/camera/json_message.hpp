// Parses the messages of the live channel (api/LIVE.md) and writes the settings. Pure. Its .cpp is
// the only file of the camera client with a JSON library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clients/camera/arguments.hpp"

namespace vultus::camera {

struct face {
    std::int64_t track = 0;  ///< 0: not tracked
    int left = 0, top = 0, right = 0, bottom = 0;
    std::string status, label;  ///< label: empty if unknown
    bool blur = false;
};

struct message {
    enum class kind { settings, frame, problem, other } what = kind::other;
    std::uint64_t seq = 0, dropped = 0;  ///< seq 0: not about a frame
    std::vector<face> faces;
    std::string error, detail;  ///< problem
    std::string text;           ///< the whole message, unchanged
};

/// A message that cannot be parsed is `other`.
message parse_message(std::string text);

/// The settings message for the options of the command line.
std::string settings_text(const arguments& asked);

/// {"source_frame", "latency_ms", "answer"}: what --json prints for an answered frame.
std::string line_of(const message& answer, std::uint64_t source_frame, double latency_ms);

/// The same for a change of the connection: {"state": "connected"}.
std::string state_line(std::string_view state);

/// The same for an error: {"problem", "detail"}.
std::string line_of(std::string_view problem, std::string_view detail);

}  // namespace vultus::camera
