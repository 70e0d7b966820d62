// Writes JSON, and reads what workers stored. Writing needs no library: answers are short texts
// with few fields, and results stored by workers are inserted unchanged. json_submission.hpp reads
// the JSON of requests.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/json_quoted.hpp"

namespace vultus::api {

/// A finite number in the shortest form that reads back equal; otherwise "null".
std::string json_number(double value);

/// Builds "{...}" field by field, in the order of the calls.
class json_object {
 public:
    json_object& add(std::string_view name, std::string_view text);
    json_object& add(std::string_view name, const char* text) {
        return add(name, std::string_view(text));
    }
    json_object& add(std::string_view name, bool value);
    /// null without a value.
    json_object& add(std::string_view name, std::optional<bool> value) {
        return value ? add(name, *value) : raw(name, "null");
    }
    json_object& add(std::string_view name, double value);
    json_object& add(std::string_view name, std::optional<double> value) {
        return value ? add(name, *value) : raw(name, "null");
    }
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

/// The label of a face as Redis stores it; empty if it has none.
std::string stored_label_of(std::string_view stored);

/// A trained face in an answer: its id, whether it has a picture, and what the worker stored,
/// without the label.
std::string trained_face_json(std::string_view face_id, std::string_view stored, bool picture);

/// The keys (person_key.hpp) of the known faces in a worker's result; empty if it is no result.
std::vector<std::string> known_labels(std::string_view result);

struct told_face {
    std::string status, label;         ///< known, unknown, ambiguous; "": one of a live channel
    std::optional<double> similarity;  ///< none: nobody is near
    std::string person_id = {};        ///< of the label; empty: not known
};
/// The faces in a worker's result; empty if the text is not a result.
std::vector<told_face> told_faces(std::string_view result);

/// Whether the text is one JSON value within the limits of check_json.
bool is_json(std::string_view text);
}  // namespace vultus::api
