// JSON as a small tree: bodies of other services' clients, which may have members that nobody
// knows, and what the native handlers answer. Checked before it is parsed (json_bounds.hpp). Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::api::compat {

struct json_field;

struct json_value {
    enum class kind { null, boolean, number, text, list, object };
    kind is = kind::null;
    bool truth = false;
    double number = 0;
    std::string text;
    std::vector<json_value> items;  ///< of a list that is not of numbers only
    std::vector<double> numbers;    ///< of a list of numbers only
    std::vector<json_field> members;

    /// The member of that name; null if there is none, or this is no object.
    const json_value* find(std::string_view name) const noexcept;
    /// The text of that member; empty if it is none.
    std::string_view text_of(std::string_view name) const noexcept;
    double number_of(std::string_view name, double otherwise = 0) const noexcept;
};

struct json_field {
    std::string name;
    json_value value;
};

/// Values in one text, so that a tree stays small and is made in a few milliseconds. 64 embeddings
/// of 512 numbers have 33,000.
constexpr std::ptrdiff_t json_values_max = 100'000;

/// errors    malformed, too_large: as check_json()
result<json_value> parse_json(std::string_view text);

/// Of a client. errors  as parse_json(); too_large: more than json_values_max commas
result<json_value> parse_body(std::string_view text);

/// "[0.5,1]", each number in its shortest form.
std::string json_list(const std::vector<double>& numbers);

}  // namespace vultus::api::compat
