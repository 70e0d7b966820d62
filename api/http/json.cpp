// See json.hpp.
#include "api/http/json.hpp"

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

#include "shared/base/json_bounds.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

namespace json = boost::json;

/// The tree of JSON that a worker wrote; null if it is not JSON or beyond the limits.
json::value tree_of(std::string_view text) {
    if (!check_json(text)) return nullptr;
    boost::system::error_code bad;
    return json::parse(json::string_view(text.data(), text.size()), bad);
}

std::string_view text_of(const json::value* value) {
    if (value == nullptr || !value->is_string()) return {};
    return {value->get_string().data(), value->get_string().size()};
}

}  // namespace

std::string json_number(double value) {
    if (!std::isfinite(value)) return "null";
    std::array<char, 32> text{};
    const auto [end, bad] = std::to_chars(text.data(), text.data() + text.size(), value);
    return bad == std::errc{} ? std::string(text.data(), end) : "null";
}

json_object& json_object::add(std::string_view name, std::string_view text) {
    return raw(name, json_quoted(text));
}

json_object& json_object::add(std::string_view name, bool value) {
    return raw(name, value ? "true" : "false");
}

json_object& json_object::add(std::string_view name, double value) {
    return raw(name, json_number(value));
}

json_object& json_object::raw(std::string_view name, std::string_view json) {
    if (text_.size() > 1) text_.push_back(',');
    text_ += json_quoted(name);
    text_.push_back(':');
    text_ += json;
    return *this;
}

std::string json_object::take() {
    text_.push_back('}');
    return std::move(text_);
}

json_array& json_array::raw(std::string_view json) {
    if (text_.size() > 1) text_.push_back(',');
    text_ += json;
    return *this;
}

std::string json_array::take() {
    text_.push_back(']');
    return std::move(text_);
}

std::vector<std::string> known_labels(std::string_view result) {
    std::vector<std::string> labels;
    const auto parsed = tree_of(result);
    const auto* object = parsed.if_object();
    const auto* faces = object == nullptr ? nullptr : object->if_contains("faces");
    if (faces == nullptr || !faces->is_array()) return labels;
    for (const auto& one : faces->get_array()) {
        const auto* face = one.if_object();
        const auto* status = face == nullptr ? nullptr : face->if_contains("status");
        const auto* label = face == nullptr ? nullptr : face->if_contains("label");
        if (status == nullptr || label == nullptr || !label->is_string()) continue;
        if (!status->is_string() || status->get_string() != "known") continue;
        const std::string name(label->get_string().data(), label->get_string().size());
        auto key = key_in_placeholder(text_of(face->if_contains("person_id")));
        labels.push_back(key.empty() ? name : std::move(key));
    }
    return labels;
}

std::vector<told_face> told_faces(std::string_view result) {
    std::vector<told_face> told;
    const auto parsed = tree_of(result);
    const auto* object = parsed.if_object();
    const auto* faces = object == nullptr ? nullptr : object->if_contains("faces");
    if (faces == nullptr || !faces->is_array()) return told;
    const auto text_in = [](const json::object& face, json::string_view name) {
        const auto* value = face.if_contains(name);
        const auto* text = value == nullptr ? nullptr : value->if_string();
        return text == nullptr ? std::string() : std::string(text->data(), text->size());
    };
    for (const auto& one : faces->get_array()) {
        const auto* face = one.if_object();
        if (face == nullptr) continue;
        told_face next{
            text_in(*face, "status"), text_in(*face, "label"), {}, text_in(*face, "person_id")};
        const auto* similarity = face->if_contains("similarity");
        boost::system::error_code bad;
        if (similarity != nullptr && similarity->is_number()) {
            next.similarity = similarity->to_number<double>(bad);
        }
        told.push_back(std::move(next));
    }
    return told;
}

std::string stored_label_of(std::string_view stored) {
    const auto parsed = tree_of(stored);
    const auto* object = parsed.if_object();
    const auto* label = object == nullptr ? nullptr : object->if_contains("label");
    if (label == nullptr || !label->is_string()) return {};
    return std::string(label->get_string().data(), label->get_string().size());
}

bool is_json(std::string_view text) {
    return check_json(text).has_value();
}

std::string trained_face_json(std::string_view face_id, std::string_view stored, bool picture) {
    const auto parsed = tree_of(stored);
    const auto* object = parsed.if_object();
    json_object text;
    text.add("face_id", face_id).add("picture", picture);
    if (object == nullptr) return text.take();
    for (const auto& member : *object) {
        if (member.key() == "label") continue;
        const auto& value = member.value();
        text.raw({member.key().data(), member.key().size()},
                 value.is_double() ? json_number(value.get_double()) : json::serialize(value));
    }
    return text.take();
}

}  // namespace vultus::api
