// The settings of a live channel (LIVE.md), and their text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/http/query.hpp"
#include "api/live/live_tracks.hpp"
#include "shared/model/job.hpp"

namespace vultus::api {

/// Which faces a client that displays the frame should blur.
enum class blur_mode { none, unknown, known, all };
std::string_view name_of(blur_mode) noexcept;

struct live_options {
    std::string collection = "default";
    job_options faces;
    bool tracks = true;
    blur_mode blur = blur_mode::none;
    live_options() { faces.min_face_px = 80; }
};

/// The options with these changes. Omitted names keep their value.
/// errors    bad_option, bad_collection
result<live_options> changed(live_options from, const name_values& fields);

/// The message with the settings in force.
std::string settings_json(const live_options& options);

/// Whether a face should be blurred. Both `known` and `unknown` include ambiguous faces.
bool is_blurred(blur_mode mode, face_status status) noexcept;

}  // namespace vultus::api
