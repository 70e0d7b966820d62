// See json_text.hpp. The only file of vultusctl with Boost.JSON.
#include "clients/ctl/output/json_text.hpp"

#include <array>
#include <boost/json.hpp>
#include <cstdio>

#include "shared/base/json_bounds.hpp"
#include "shared/base/json_quoted.hpp"

namespace vultus::ctl {
namespace {

bool is_json(std::string_view text) {
    return check_json(text).has_value();
}

}  // namespace

void json_text::separate() {
    if (out_.empty()) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_ += ',';
}

json_text& json_text::open(char bracket) {
    separate();
    out_ += bracket;
    return *this;
}

json_text& json_text::close(char bracket) {
    out_ += bracket;
    return *this;
}

json_text& json_text::key(std::string_view name) {
    text(name);
    out_ += ':';
    return *this;
}

json_text& json_text::text(std::string_view value) {
    separate();
    out_ += json_quoted(value);
    return *this;
}

json_text& json_text::number(std::uint64_t value) {
    separate();
    out_ += std::to_string(value);
    return *this;
}

json_text& json_text::truth(bool value) {
    separate();
    out_ += value ? "true" : "false";
    return *this;
}

json_text& json_text::null() {
    separate();
    out_ += "null";
    return *this;
}

json_text& json_text::stored(std::string_view json) {
    if (!is_json(json)) return text(json);
    separate();
    out_ += json;
    return *this;
}

std::string json_member(std::string_view json, std::string_view name) {
    if (!is_json(json)) return {};
    boost::json::error_code why;
    const auto parsed = boost::json::parse({json.data(), json.size()}, why);
    const auto* object = why ? nullptr : parsed.if_object();
    const auto* member = object ? object->if_contains({name.data(), name.size()}) : nullptr;
    const auto* text = member ? member->if_string() : nullptr;
    return text ? std::string(text->data(), text->size()) : std::string();
}

std::string json_at(std::string_view json, std::string_view pointer) {
    if (!is_json(json)) return {};
    boost::json::error_code why;
    const auto parsed = boost::json::parse({json.data(), json.size()}, why);
    const auto* found = why ? nullptr : parsed.find_pointer({pointer.data(), pointer.size()}, why);
    const auto* text = found ? found->if_string() : nullptr;
    return text ? std::string(text->data(), text->size()) : std::string();
}

std::optional<std::uint64_t> json_number_at(std::string_view json, std::string_view pointer) {
    if (!is_json(json)) return {};
    boost::json::error_code why;
    const auto parsed = boost::json::parse({json.data(), json.size()}, why);
    const auto* found = why ? nullptr : parsed.find_pointer({pointer.data(), pointer.size()}, why);
    if (found == nullptr) return {};
    const auto number = found->to_number<std::uint64_t>(why);
    return why ? std::nullopt : std::optional(number);
}

std::optional<std::vector<std::string>> json_items(std::string_view json,
                                                   std::string_view pointer) {
    if (!is_json(json)) return {};
    boost::json::error_code why;
    const auto parsed = boost::json::parse({json.data(), json.size()}, why);
    const auto* found = why ? nullptr : parsed.find_pointer({pointer.data(), pointer.size()}, why);
    const auto* array = found ? found->if_array() : nullptr;
    if (array == nullptr) return {};
    std::vector<std::string> items;
    for (const auto& one : *array) items.push_back(boost::json::serialize(one));
    return items;
}

}  // namespace vultus::ctl
