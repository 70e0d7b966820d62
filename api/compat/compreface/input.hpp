// What a CompreFace call brings: parameters of the query or a form, and pictures in a form or in
// JSON. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/compat/common/json_value.hpp"
#include "api/compat/compreface/errors.hpp"
#include "api/http/query.hpp"
#include "shared/base/shared_bytes.hpp"

namespace vultus::api::compat::compreface {

struct options {
    std::size_t limit = 0;                      ///< faces; 0: all
    std::optional<double> least;                ///< det_prob_threshold: a face is more probable
    int predictions = 1;                        ///< prediction_count
    bool landmarks = false, embedding = false;  ///< of face_plugins
    bool status = false;                        ///< say how long it took, and with which models
};

struct input {
    name_values fields;                  ///< of the query, else of the form
    std::vector<shared_bytes> pictures;  ///< as many as were asked for
};

/// The fields of the query and, where the body is a form, of the form.
outcome<name_values> read_parameters(const request& req);

/// Parameters and pictures; the checks of a picture are those of its file name or its base64.
/// `names`   of the parts or JSON members, in this order
outcome<input> read_pictures(request& req, const std::vector<std::string>& names);

/// errors    malformed numbers: 0; out of range: 26, all reasons together, or 28
outcome<options> read_options(const name_values& fields);

/// A subject as the query names it: 33 without, 26 if it is blank or longer than 50 characters.
outcome<std::string> subject_in(const name_values& fields);

/// The member `subject` of a JSON body, which may not be null or empty.
/// `may_be_empty`  an empty text is one
outcome<std::string> subject_in_body(const request& req, bool may_be_empty);

/// What the body must be: an object, or a list.
outcome<json_value> read_body(const request& req, json_value::kind wanted);

}  // namespace vultus::api::compat::compreface
