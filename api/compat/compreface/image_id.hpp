// The id of a trained face as CompreFace's clients know it: a UUID. Every face has an id that Redis
// stores and finds it by, "<UUID of the train's job>-<number of the photo>", which is random and
// stays through rename, merge, export, restore, another model and upgrades. Here it is only
// written in 36 characters: the number (0 to 15) is added to the digit of the version, which is 7
// in every job's UUID. So nothing more has to be stored, and faces of before have such ids too.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vultus::api::compat {

/// Nothing: no face of ours has such an id (a number over 15, which no train gives).
std::optional<std::string> image_id_of(std::string_view face_id);

/// The face_id. Nothing: not a UUID, or one that no face can have. Upper case is accepted.
std::optional<std::string> face_id_of(std::string_view image_id);

}  // namespace vultus::api::compat
