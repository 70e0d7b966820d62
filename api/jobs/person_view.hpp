// A person as clients see one, and the JSON of a PATCH. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"
#include "shared/store/person_store.hpp"

namespace vultus::api {

/// {person_id, name, external_id, metadata, notes, faces, created, last_seen, picture_face_id}. A
/// member without a value is null; picture_face_id is absent then.
std::string person_json(const person_record& person);

/// What a PATCH changes. Absent: stays. Empty: is removed.
struct person_patch {
    std::optional<std::string> name;  ///< in normal form, not empty
    std::optional<std::string> external_id, metadata, notes;
    bool changes_data() const noexcept { return external_id || metadata || notes; }
};

/// errors    malformed: not a JSON object; bad_option: an unknown member, none at all, one of
///           another kind, an external_id that check_external_id() refuses, notes with control
///           characters; bad_label; too_large: metadata or notes over their limits
result<person_patch> parse_person_patch(std::string_view body);

/// The data with these changes.
person_data patched(person_data data, const person_patch& patch);

}  // namespace vultus::api
