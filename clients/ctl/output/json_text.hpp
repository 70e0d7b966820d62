// Writes JSON text value by value, with commas and escapes. JSON text from Redis (results, errors,
// options) is inserted unchanged. Pure. Boost.JSON, which checks that text, lives in json_text.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vultus::ctl {

class json_text {
 public:
    json_text& open_object() { return open('{'); }
    json_text& close_object() { return close('}'); }
    json_text& open_array() { return open('['); }
    json_text& close_array() { return close(']'); }
    json_text& key(std::string_view name);
    json_text& text(std::string_view value);  ///< bytes that are not UTF-8 become U+FFFD
    json_text& number(std::uint64_t value);
    json_text& truth(bool value);
    json_text& null();
    json_text& stored(std::string_view json);  ///< unchanged if it is JSON, else as a string

    const std::string& str() const noexcept { return out_; }

 private:
    json_text& open(char bracket);
    json_text& close(char bracket);
    void separate();
    std::string out_;
};

/// The string member of an object; empty without it, or if `json` is not an object.
std::string json_member(std::string_view json, std::string_view name);

/// The string at a JSON pointer, such as "/files/0/detail"; empty where there is none.
std::string json_at(std::string_view json, std::string_view pointer);

/// The same of a number that is an integer of 0 and above.
std::optional<std::uint64_t> json_number_at(std::string_view json, std::string_view pointer);

/// The elements of the array at a JSON pointer, each as JSON text; nothing: there is no array.
std::optional<std::vector<std::string>> json_items(std::string_view json, std::string_view pointer);

}  // namespace vultus::ctl
