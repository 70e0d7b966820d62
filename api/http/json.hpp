// JSON out, and what workers stored. Writing needs no library: every answer is a short text with a
// few fields, and results stored by workers are spliced in as they are. What a request holds is
// read by json_submission.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/json_quoted.hpp"

namespace vultus::api {

/// A number that is finite, in the shortest form that reads back equal; otherwise null.
std::string json_number(double value);

/// Builds "{...}" field by field, in the order of the calls.
class json_object {
 public:
    json_object& add(std::string_view name, std::string_view text);
    json_object& add(std::string_view name, const char* text) {
        return add(name, std::string_view(text));
    }
    json_object& add(std::string_view name, bool value);
    json_object& add(std::string_view name, double value);
    template <std::integral Number>
    requires(!std::same_as<Number, bool>) json_object& add(std::string_view name, Number value) {
        return raw(name, std::to_string(value));
    }
    /// `json` is JSON already.
    json_object& raw(std::string_view name, std::string_view json);
    std::string take();

 private:
    std::string text_ = "{";
};

/// Builds "[...]" from elements that are JSON already.
class json_array {
 public:
    json_array& raw(std::string_view json);
    std::string take();

 private:
    std::string text_ = "[";
};

/// A trained face as a client sees it: its id, whether it has a picture, and what the worker stored
/// but the label.
std::string trained_face_json(std::string_view face_id, std::string_view stored, bool picture);

/// The names in a worker's result, those of known faces alone; none of what is no result.
std::vector<std::string> known_labels(std::string_view result);

/// True if the text is one JSON value within the limits of check_json.
bool is_json(std::string_view text);
}  // namespace vultus::api
