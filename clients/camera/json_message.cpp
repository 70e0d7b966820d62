#include "clients/camera/json_message.hpp"

#include <boost/json.hpp>
#include <utility>

#include "shared/base/json_bounds.hpp"

namespace vultus::camera {
namespace {

namespace json = boost::json;

const json::value& member(const json::value& of, const char* name) {
    static const json::value nothing;
    const auto* object = of.if_object();
    const auto* found = object == nullptr ? nullptr : object->if_contains(name);
    return found == nullptr ? nothing : *found;
}

std::string text_of(const json::value& from) {
    const auto* text = from.if_string();
    return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::int64_t whole(const json::value& from) {
    json::error_code bad;
    const auto value = from.to_number<std::int64_t>(bad);
    return bad ? 0 : value;
}

face face_of(const json::value& from) {
    const auto& box = member(from, "box");
    const auto edge = [&](const char* name) { return static_cast<int>(whole(member(box, name))); };
    face found;
    found.track = whole(member(from, "track"));
    found.left = edge("left"), found.top = edge("top");
    found.right = edge("right"), found.bottom = edge("bottom");
    found.status = text_of(member(from, "status"));
    found.label = text_of(member(from, "label"));
    const auto* blur = member(from, "blur").if_bool();
    found.blur = blur != nullptr && *blur;
    return found;
}

}  // namespace

message parse_message(std::string text) {
    message read;
    if (!check_json(text)) return read;
    json::error_code bad;
    const auto value = json::parse(text, bad);
    if (bad) return read;
    const std::string type = text_of(member(value, "type"));
    read.what = type == "frame"      ? message::kind::frame
                : type == "problem"  ? message::kind::problem
                : type == "settings" ? message::kind::settings
                                     : message::kind::other;
    read.seq = static_cast<std::uint64_t>(whole(member(value, "seq")));
    read.dropped = static_cast<std::uint64_t>(whole(member(value, "dropped")));
    if (const auto* faces = member(value, "faces").if_array()) {
        for (const auto& one : *faces) read.faces.push_back(face_of(one));
    }
    read.error = text_of(member(value, "error"));
    read.detail = text_of(member(value, "detail"));
    read.text = std::move(text);
    return read;
}

std::string settings_text(const arguments& asked) {
    json::object settings{{"collection", asked.collection},
                          {"min_face_px", asked.min_face_px},
                          {"tracks", asked.tracks},
                          {"blur", asked.blur}};
    if (!asked.detector.empty()) settings["detector"] = asked.detector;
    return json::serialize(settings);
}

std::string line_of(const message& answer, std::uint64_t source_frame, double latency_ms) {
    return "{\"source_frame\":" + std::to_string(source_frame) +
           ",\"latency_ms\":" + std::to_string(static_cast<long>(latency_ms)) +
           ",\"answer\":" + answer.text + "}";
}

std::string state_line(std::string_view state) {
    return json::serialize(json::value{{"state", state}});
}

std::string line_of(std::string_view problem, std::string_view detail) {
    return json::serialize(json::value{{"problem", problem}, {"detail", detail}});
}

}  // namespace vultus::camera
