#include "workers/pipeline/results.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <utility>

#include "shared/base/json_bounds.hpp"
#include "shared/base/json_quoted.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/base/rfc3339.hpp"
#include "workers/calibration/similarity.hpp"

namespace vultus {
namespace {

namespace json = boost::json;

// Numbers are written here and not by the library, which prints 0.42 as 4.2E-1: people read these
// texts with redis-cli.
std::string number(double value, int decimals = 4) {
    if (!std::isfinite(value)) return "null";
    char text[64];
    const auto end =
        std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals);
    std::string_view shown(text, static_cast<std::size_t>(end.ptr - text));
    while (shown.back() == '0') shown.remove_suffix(1);
    if (shown.back() == '.') shown.remove_suffix(1);
    return std::string(shown == "-0" ? "0" : shown);
}

template <class Values, class Write>
std::string list_of(const Values& values, Write write) {
    std::string text = "[";
    for (const auto& value : values) {
        if (text.size() > 1) text += ',';
        text += write(value);
    }
    return text + "]";
}

std::string box_text(const box& where) {
    return "{\"left\":" + std::to_string(where.left) + ",\"top\":" + std::to_string(where.top) +
           ",\"right\":" + std::to_string(where.right) +
           ",\"bottom\":" + std::to_string(where.bottom) + "}";
}

std::string quality_text(const face_quality& of) {
    return "{\"score\":" + number(of.score, 3) + ",\"size_px\":" + number(of.size_px, 1) +
           ",\"sharpness\":" + number(of.sharpness, 3) +
           ",\"brightness\":" + number(of.brightness, 3) + ",\"yaw\":" + number(of.pose.yaw, 1) +
           ",\"pitch\":" + number(of.pose.pitch, 1) + ",\"roll\":" + number(of.pose.roll, 1) + "}";
}

std::string rate_text(std::optional<double> rate) {
    return rate ? number(*rate, 6) : "null";
}

/// A distance and what it means with the threshold of its model.
std::string distance_text(std::optional<double> distance, double threshold) {
    if (!distance) return ",\"distance\":null,\"similarity\":null";
    return ",\"distance\":" + number(*distance) +
           ",\"similarity\":" + number(similarity_at(*distance, threshold));
}

std::string candidate_text(const candidate& one, double threshold) {
    return "{\"label\":" + json_quoted(one.label) + distance_text(one.distance, threshold) +
           ",\"face_id\":" + json_quoted(one.face_id) + "}";
}

// What is omitted from a result that would be too long.
struct detail_level {
    bool candidates = true, embeddings = true;
};

std::string face_text(const found_face& face, const match& who, double threshold,
                      detail_level level) {
    if (face.known >= 0) {
        return "{\"box\":" + box_text(face.detected.where) +
               ",\"detection_score\":" + number(face.detected.score) +
               ",\"known\":" + std::to_string(face.known) + "}";
    }
    const bool unknown = who.status == match_status::unknown;
    std::string text = "{\"box\":" + box_text(face.detected.where);
    text += ",\"detection_score\":" + number(face.detected.score);
    text += ",\"landmarks\":" + list_of(face.points, [](const point& at) {
                return "[" + number(at.x, 1) + "," + number(at.y, 1) + "]";
            });
    text += ",\"quality\":" + quality_text(face.quality);
    text += ",\"status\":" + json_quoted(name_of(who.status));
    text += ",\"label\":" + (unknown ? "null" : json_quoted(who.label));
    text += distance_text(who.distance, threshold);
    text += ",\"margin\":" + (unknown ? "null" : number(who.margin));
    text += ",\"candidates\":";
    text += !level.candidates ? "[]" : list_of(who.candidates, [&](const candidate& one) {
        return candidate_text(one, threshold);
    });
    if (level.embeddings) {
        text += ",\"embedding\":" +
                list_of(face.vector, [](float value) { return number(double{value}, 8); });
    }
    return text + "}";
}

std::string result_text(const recognized& what, detail_level level) {
    std::string text = "{\"image\":{\"width\":" + std::to_string(what.width) +
                       ",\"height\":" + std::to_string(what.height);
    text += what.animated ? ",\"animated\":true}" : "}";
    text += ",\"gallery\":{\"version\":" + std::to_string(what.version) +
            ",\"people\":" + std::to_string(what.people) +
            ",\"faces\":" + std::to_string(what.faces_trained) + "}";
    text += ",\"models\":{\"detector\":" + json_quoted(what.detector) +
            ",\"embedding\":" + json_quoted(what.embedding_model) + "}";
    text += ",\"min_face_px\":" + std::to_string(what.min_face_px);
    if (what.min_face_px_raised) text += ",\"min_face_px_raised\":true";
    text += ",\"distance_max\":" + number(what.distance_max) +
            ",\"similarity_min\":" + number(similarity_at(what.distance_max, what.threshold)) +
            ",\"false_match_rate\":" + rate_text(what.false_match_rate) +
            ",\"stranger_rate\":" + rate_text(what.stranger_rate);
    if (what.extrapolated) text += ",\"stranger_rate_extrapolated\":true";
    text += ",\"faces\":[";
    for (std::size_t i = 0; i < what.faces.size(); ++i) {
        if (i > 0) text += ',';
        text += face_text(what.faces[i], what.matches[i], what.threshold, level);
    }
    text += what.truncated ? "],\"truncated\":true" : "]";
    text += ",\"timing_ms\":{";
    for (const auto& [stage, milliseconds] : what.timing_ms) {
        if (text.back() != '{') text += ',';
        text += json_quoted(stage) + ":" + number(std::max(milliseconds, 0.0), 2);
    }
    return text + "}}";
}

std::string points_text(const std::vector<gallery_calibration::point>& points, const char* rate,
                        double threshold) {
    return list_of(points, [&](const gallery_calibration::point& one) {
        return "{" + json_quoted(rate) + ":" + number(one.rate, 6) +
               distance_text(one.distance, threshold) +
               ",\"true_match_rate\":" + number(one.true_match_rate) + "}";
    });
}

std::string histogram_text(std::uint64_t pairs, const std::vector<std::uint64_t>& bins) {
    return "{\"pairs\":" + std::to_string(pairs) +
           ",\"bin_width\":" + number(gallery_calibration::bin_width) + ",\"counts\":" +
           list_of(bins, [](std::uint64_t count) { return std::to_string(count); }) + "}";
}

std::string suspicious_text(const gallery_calibration::suspicious_face& one, double threshold) {
    return "{\"label\":" + json_quoted(one.label) + ",\"face_id\":" + json_quoted(one.face_id) +
           distance_text(one.distance, threshold) + ",\"nearer\":" +
           candidate_text({one.other_label, one.other_distance, one.other_face_id}, threshold) +
           "}";
}

result<void> read_whole(const json::value& value, std::string_view name, int low, int high,
                        int& out) {
    json::error_code bad;
    const auto number = value.to_number<std::int64_t>(bad);
    if (bad.failed() || number < low || number > high) {
        return fail(errc::bad_option, std::string(name) + " is out of range");
    }
    out = static_cast<int>(number);
    return {};
}

result<void> read_option(std::string_view name, const json::value& value, job_options& into) {
    if (name == "min_face_px") return read_whole(value, name, 10, 2'000, into.min_face_px);
    if (name == "k") return read_whole(value, name, 0, 100, into.k);
    if (name == "num_jitters") return read_whole(value, name, 1, 100, into.num_jitters);
    if (name == "detector") {
        const auto* text = value.if_string();
        const std::string word = text == nullptr ? "" : std::string(text->data(), text->size());
        if (auto good = check_detector(word); !good) return good;
        into.detector = word;
    } else if (name == "quality") {
        const auto* text = value.if_string();
        const auto level = check_quality_gate(
            text == nullptr ? std::string_view() : std::string_view(text->data(), text->size()));
        if (!level) return fail(level.error());
        into.quality = *level;
    } else if (name == "distance_max") {
        json::error_code bad;
        const auto number = value.to_number<double>(bad);
        if (bad.failed() || !(number >= 0.0) || number > 2.0) {
            return fail(errc::bad_option, "distance_max is out of range");
        }
        into.distance_max = number;
    } else if (name == "similarity_min") {
        json::error_code bad;
        const auto number = value.to_number<double>(bad);
        const bool given = number >= similarity_least && number <= similarity_most;
        if (bad.failed() || !(given || number == 0.0)) {
            return fail(errc::bad_option, "similarity_min is out of range");
        }
        into.similarity_min = number;
    } else if (name == "embedder") {
        const auto* text = value.if_string();
        if (text == nullptr) return fail(errc::bad_option, "embedder must be a name");
        into.embedder.assign(text->data(), text->size());
    } else if (name == "annotate" || name == "embeddings" || name == "rotate" ||
               name == "forget_without_pictures") {
        const bool* set = value.if_bool();
        if (set == nullptr) {
            return fail(errc::bad_option, std::string(name) + " must be true or false");
        }
        (name == "annotate"     ? into.annotate
         : name == "embeddings" ? into.embeddings
         : name == "rotate"     ? into.rotate
                                : into.forget_without_pictures) = *set;
    }
    return {};
}

}  // namespace

result<job_options> read_options(std::string_view text) {
    job_options options;
    if (text.empty()) return options;
    if (!check_json(text)) return fail(errc::bad_option, "options are not JSON");
    json::error_code bad;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), bad);
    if (bad.failed() || !value.is_object()) return fail(errc::bad_option, "options are no object");
    for (const auto& pair : value.get_object()) {
        const std::string_view name(pair.key().data(), pair.key().size());
        if (auto read = read_option(name, pair.value(), options); !read) return fail(read.error());
    }
    return options;
}

result<std::string> read_label(std::string_view text) {
    if (!check_json(text)) return fail(errc::malformed, "a stored face is not JSON");
    json::error_code bad;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), bad);
    const json::object* object = bad.failed() ? nullptr : value.if_object();
    const json::value* label = object == nullptr ? nullptr : object->if_contains("label");
    if (label == nullptr || !label->is_string()) {
        return fail(errc::malformed, "a stored face has no label");
    }
    return std::string(label->get_string().data(), label->get_string().size());
}

std::string json_of(const recognized& what) {
    VULTUS_REQUIRE(what.faces.size() == what.matches.size(), "one match per face");
    std::string text = result_text(what, {true, what.embeddings});
    if (text.size() > limits::result_bytes) text = result_text(what, {false, what.embeddings});
    if (text.size() > limits::result_bytes) text = result_text(what, {false, false});
    return text;
}

std::string json_of(const std::vector<train_file>& files) {
    return "{\"files\":" + list_of(files) + "}";
}

std::string list_of(const std::vector<train_file>& files) {
    std::string text = "[";
    for (std::size_t i = 0; i < files.size(); ++i) {
        const train_file& file = files[i];
        if (i > 0) text += ',';
        text += "{\"index\":" + std::to_string(i);
        if (!file.face_id.empty()) {
            text += ",\"state\":\"accepted\",\"face_id\":" + json_quoted(file.face_id);
        } else {
            text += ",\"state\":\"refused\",\"reason\":" + json_quoted(name_of(file.why.code));
            if (!file.why.detail.empty()) text += ",\"detail\":" + json_quoted(file.why.detail);
        }
        if (file.quality) text += ",\"quality\":" + quality_text(*file.quality);
        if (file.other) {  // the api looks for this beginning (api/jobs/job_view.cpp)
            text += ",\"other\":{\"face_id\":" + json_quoted(file.other->face_id) +
                    ",\"distance\":" + number(file.other->distance) +
                    ",\"similarity\":" + number(file.other->similarity) + "}";
        }
        text += "}";
    }
    return text + "]";
}

std::string json_of(const gallery_calibration& found) {
    std::string text = "{\"gallery\":{\"version\":" + std::to_string(found.version) +
                       ",\"people\":" + std::to_string(found.people) +
                       ",\"faces\":" + std::to_string(found.faces) + "}";
    text += ",\"embedding\":" + json_quoted(found.embedding_model);
    text += ",\"compared\":{\"people\":" + std::to_string(found.people_compared) +
            ",\"people_with_two\":" + std::to_string(found.people_with_two) +
            ",\"faces\":" + std::to_string(found.faces_compared) +
            ",\"all\":" + (found.faces_compared == found.faces ? "true" : "false") + "}";
    text += ",\"genuine\":" + histogram_text(found.genuine_pairs, found.genuine);
    text += ",\"impostors\":" + histogram_text(found.impostor_pairs, found.impostors);
    text += ",\"comparisons\":" +
            points_text(found.comparisons, "false_match_rate", found.distance_max);
    text += ",\"strangers\":" + points_text(found.strangers, "stranger_rate", found.distance_max);
    text += ",\"now\":{\"distance_max\":" + number(found.distance_max) +
            ",\"false_match_rate\":" + rate_text(found.false_match_rate) +
            ",\"true_match_rate\":" + rate_text(found.true_match_rate) +
            ",\"stranger_rate\":" + rate_text(found.stranger_rate) + "}";
    text += ",\"suspicious\":" + list_of(found.suspicious, [&](const auto& one) {
                return suspicious_text(one, found.distance_max);
            });
    return text + ",\"suspicious_left_out\":" + std::to_string(found.suspicious_left_out) + "}";
}

std::string sentence_of(const std::vector<train_file>& files) {
    std::string text = "No usable photo:";
    for (std::size_t i = 0; i < files.size(); ++i) {
        text += (i == 0 ? " photo " : ", photo ") + std::to_string(i + 1) + ": ";
        text += name_of(files[i].why.code);
    }
    return text;
}

std::string face_json(std::string_view job_id, unix_time created, const detected_face& face,
                      std::string_view photo, double quality) {
    return "{\"job_id\":" + json_quoted(job_id) +
           ",\"created_at\":" + json_quoted(rfc3339(created)) + ",\"box\":" + box_text(face.where) +
           ",\"detection_score\":" + number(face.score) +
           ",\"quality_score\":" + number(quality, 3) + ",\"photo\":" + json_quoted(photo) + "}";
}

}  // namespace vultus
