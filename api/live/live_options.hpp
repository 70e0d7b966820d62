// The settings of a live session: what its client may choose (LIVE.md), and the same as text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/http/query.hpp"
#include "api/live/live_tracks.hpp"
#include "shared/model/job.hpp"

namespace vultus::api {

/// Which faces whoever shows the picture should blur.
enum class blur_mode { none, unknown, known, all };
std::string_view name_of(blur_mode) noexcept;

struct live_options {
    std::string collection = "default";
    job_options faces;
    bool tracks = true;
    blur_mode blur = blur_mode::none;
    live_options() { faces.min_face_px = 80; }
};

/// The options with these changes. Names that are not given stay as they are.
/// errors    bad_option, bad_collection
result<live_options> changed(live_options from, const name_values& fields);

/// The message that tells what is in force.
std::string settings_json(const live_options& options);

/// Whether a face is to be blurred. An ambiguous face counts as known to him who hides known
/// people, and as unknown to him who hides strangers.
bool is_blurred(blur_mode mode, face_status status) noexcept;

}  // namespace vultus::api
