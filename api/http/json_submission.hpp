// The JSON object of a request or of a live channel's settings, read token by token without a tree;
// reading ends at the first error. Pure; the fuzz target is tests/fuzz/json_fuzz.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/query.hpp"
#include "shared/base/result.hpp"

namespace vultus::api {

struct json_submission {
    /// Numbers and booleans as their text; of the array `urls` each text with a line break behind
    /// it
    name_values fields;
    std::vector<std::string> images;  ///< decoded from base64, in their order
    /// Of the member vectors_member, where it is a list and known; finite numbers, not yet floats.
    std::vector<std::vector<double>> vectors;
};

/// application/json, text/json and the types that end in +json.
bool is_json_type(std::string_view media_type) noexcept;

/// Whether a part of a form or a JSON member with that name is a photo: file, image, photo,
/// picture, img or upload, in any case, also followed by s, a number or brackets: "images[]",
/// "file2".
bool is_photo_name(std::string_view name) noexcept;

/// Reads {"image": base64, "name": ..., "k": 3 ...}. A photo is a text, or an array of texts, and
/// so is `urls`. A byte order mark of UTF-8 is skipped.
/// The member "embeddings", where it is known, may be a list of lists of numbers instead.
/// `known`   allowed names besides photos, separated by spaces
/// `photos`  whether photos are allowed
/// errors    of the first mistake, naming the member. malformed: not JSON in UTF-8, not an object,
///           a member given twice or an object, array or null, bad base64, a photo where none is
///           allowed; bad_option: an unknown member; too_large: a photo over limits::body_bytes, a
///           text over limits::field_bytes, a number over limits::json_number_bytes, over
///           limits::json_members members, limits::files_per_train photos,
///           limits::vectors_per_job vectors or limits::embedding_floats_max numbers in one
result<json_submission> parse_json_submission(std::string_view body, std::string_view known,
                                              bool photos);

}  // namespace vultus::api
