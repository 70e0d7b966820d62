// See json_live.hpp.
#include "api/live/json_live.hpp"

#include <boost/json/parse.hpp>
#include <cmath>

#include "api/http/json.hpp"
#include "shared/base/json_bounds.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

namespace json = boost::json;

/// A member of what should be an object; null if it is absent.
const json::value& member(const json::value& of, const char* name) {
    static const json::value nothing;
    const auto* object = of.if_object();
    const auto* found = object == nullptr ? nullptr : object->if_contains(name);
    return found == nullptr ? nothing : *found;
}

double number(const json::value& from) {
    boost::system::error_code bad;
    const double value = from.to_number<double>(bad);
    return bad ? 0 : value;
}

std::int64_t whole(const json::value& from) {
    boost::system::error_code bad;
    const auto value = from.to_number<std::int64_t>(bad);
    return bad ? 0 : value;
}

std::string text(const json::value& from) {
    const auto* found = from.if_string();
    return found == nullptr ? std::string() : std::string(found->data(), found->size());
}

/// The measures of a face, with numbers as people write them.
std::string quality_json(const json::value& from) {
    if (!from.is_object()) return {};
    json_object told;
    for (const char* name :
         {"score", "size_px", "sharpness", "brightness", "yaw", "pitch", "roll"}) {
        if (const auto& value = member(from, name); value.is_number())
            told.add(name, number(value));
    }
    return told.take();
}

face_box box_of(const json::value& from) {
    return {whole(member(from, "left")), whole(member(from, "top")), whole(member(from, "right")),
            whole(member(from, "bottom"))};
}

/// The name alone from a worker of an older version.
std::string key_of(const json::value& face) {
    auto key = key_in_placeholder(text(member(face, "person_id")));
    return key.empty() ? text(member(face, "label")) : key;
}

seen_face face_of(const json::value& from) {
    seen_face face;
    face.where = box_of(member(from, "box"));
    face.score = number(member(from, "detection_score"));
    if (const auto& known = member(from, "known"); known.is_number()) {
        face.known = static_cast<std::size_t>(whole(known));
        return face;
    }
    face.status = face_status_named(text(member(from, "status"))).value_or(face_status::unknown);
    if (face.status != face_status::unknown) face.label = key_of(from);
    const auto& distance = member(from, "distance");
    if (distance.is_number()) face.distance = number(distance);
    const auto& similarity = member(from, "similarity");  // absent in answers of older workers
    if (similarity.is_number()) face.similarity = number(similarity);
    face.quality = quality_json(member(from, "quality"));
    if (const auto* floats = member(from, "embedding").if_array()) {
        for (const auto& value : *floats)
            face.embedding.push_back(static_cast<float>(number(value)));
    }
    return face;
}

std::string box_json(const face_box& where) {
    return json_object()
        .add("left", where.left)
        .add("top", where.top)
        .add("right", where.right)
        .add("bottom", where.bottom)
        .take();
}

std::string face_json(const named_face& face, std::string_view quality, blur_mode blur) {
    json_object told;
    if (face.track > 0) {
        told.add("track", face.track);
    } else {
        told.raw("track", "null");
    }
    told.raw("box", box_json(face.where)).add("detection_score", face.score);
    told.add("status", name_of(face.status));
    if (face.status == face_status::unknown) {
        told.raw("label", "null");
    } else {
        told.add("label", name_of_key(face.label));
        told.raw("person_id", face.person_id.empty() ? "null" : json_quoted(face.person_id));
        if (face.name_shared) told.add("name_shared", true);
    }
    told.raw("distance", face.distance ? json_number(*face.distance) : "null");
    told.raw("similarity", face.similarity ? json_number(*face.similarity) : "null");
    told.add("embedded", face.embedded).add("blur", is_blurred(blur, face.status));
    if (!quality.empty()) told.raw("quality", quality);
    return told.take();
}

}  // namespace

// similarity = 1 / (1 + exp(10 (distance / threshold - 1))), written with four decimals: far from
// the threshold they say too little.
double live_answer::threshold() const noexcept {
    constexpr double slope = 10, least = 0.005;
    if (distance_max <= 0 || similarity_min < least || similarity_min > 1 - least) return 0;
    const double found = distance_max / (1 + std::log(1 / similarity_min - 1) / slope);
    return std::isfinite(found) && found > 0 ? found : 0;
}

result<live_answer> parse_live_answer(std::string_view from) {
    if (!check_json(from)) return fail(errc::internal, "invalid answer from worker");
    boost::system::error_code bad;
    const auto whole_text = json::parse(json::string_view(from.data(), from.size()), bad);
    const auto* faces = bad ? nullptr : member(whole_text, "faces").if_array();
    if (faces == nullptr) return fail(errc::internal, "invalid answer from worker");
    live_answer answer;
    const auto& image = member(whole_text, "image");
    answer.width = whole(member(image, "width"));
    answer.height = whole(member(image, "height"));
    const auto& gallery = member(whole_text, "gallery");
    answer.version = whole(member(gallery, "version"));
    answer.people = whole(member(gallery, "people"));
    answer.trained = whole(member(gallery, "faces"));
    answer.distance_max = number(member(whole_text, "distance_max"));
    answer.similarity_min = number(member(whole_text, "similarity_min"));
    const auto* truncated = member(whole_text, "truncated").if_bool();
    answer.truncated = truncated != nullptr && *truncated;
    for (const auto& face : *faces) answer.faces.push_back(face_of(face));
    if (const auto* timing = member(whole_text, "timing_ms").if_object()) {
        for (const auto& stage : *timing) {
            answer.timing_ms[std::string(stage.key().data(), stage.key().size())] =
                number(stage.value());
        }
    }
    return answer;
}

std::string frame_json(std::uint64_t seq, std::uint64_t dropped, const live_answer& answer,
                       std::span<const named_face> faces, blur_mode blur, double session_ms) {
    json_array told;
    for (std::size_t i = 0; i < faces.size(); ++i) {
        const bool measured = i < answer.faces.size();
        told.raw(face_json(faces[i], measured ? answer.faces[i].quality : std::string(), blur));
    }
    json_object timing;
    for (const auto& [stage, spent] : answer.timing_ms) timing.add(stage, spent);
    timing.add("session", session_ms);
    json_object message;
    message.add("type", "frame").add("seq", seq).add("dropped", dropped);
    message.raw("image",
                json_object().add("width", answer.width).add("height", answer.height).take());
    message.raw("gallery", json_object()
                               .add("version", answer.version)
                               .add("people", answer.people)
                               .add("faces", answer.trained)
                               .take());
    message.raw("faces", told.take()).add("truncated", answer.truncated);
    message.raw("timing_ms", timing.take());
    return message.take();
}

std::string problem_json(std::uint64_t seq, const error& why) {
    json_object message;
    message.add("type", "problem");
    if (seq > 0) message.add("seq", seq);
    message.add("error", name_of(why.code));
    // Details of a bug are in the log only.
    const bool told = why.code != errc::internal && !why.detail.empty();
    message.add("detail", told ? std::string_view(why.detail) : "Internal error");
    return message.take();
}

}  // namespace vultus::api
