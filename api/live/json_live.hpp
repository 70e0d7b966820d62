// The JSON of the live channel: reads a worker's answer, writes the messages of LIVE.md. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/live/live_options.hpp"
#include "api/live/live_tracks.hpp"
#include "shared/base/error.hpp"
#include "shared/base/result.hpp"

namespace vultus::api {

/// What a worker found in a frame.
struct live_answer {
    std::int64_t width = 0, height = 0;                 ///< of the upright frame
    std::int64_t version = 0, people = 0, trained = 0;  ///< of the gallery
    double distance_max = 0, similarity_min = 0;  ///< the same bound on two scales; 0: not there
    bool truncated = false;
    std::vector<seen_face> faces;
    /// The distance at which the service names by itself with this embedder, from the two bounds
    /// (workers/calibration/similarity.hpp); 0: they do not tell.
    double threshold() const noexcept;
    std::map<std::string, double> timing_ms;
};

/// Reads the payload of an ANSWER to a frame.
/// errors    internal: not what a worker writes
result<live_answer> parse_live_answer(std::string_view json);

/// `faces` in the worker's order; `session_ms` since the frame arrived.
std::string frame_json(std::uint64_t seq, std::uint64_t dropped, const live_answer& answer,
                       std::span<const named_face> faces, blur_mode blur, double session_ms);

/// `seq` 0: not about one frame.
std::string problem_json(std::uint64_t seq, const error& why);

}  // namespace vultus::api
