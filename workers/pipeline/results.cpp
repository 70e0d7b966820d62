#include "workers/pipeline/results.hpp"

#include <boost/json.hpp>
#include <utility>

#include "shared/base/json_bounds.hpp"
#include "shared/base/json_quoted.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/model/person_key.hpp"
#include "workers/calibration/similarity.hpp"
#include "workers/pipeline/result_text.hpp"

namespace vultus {
namespace {

namespace json = boost::json;
using namespace result_text;

/// The members label and, if ids are put in later, person_id.
std::string person_text(const std::string& key, bool ids) {
    std::string text = "\"label\":" + json_quoted(name_of_key(key));
    if (ids) text += ",\"person_id\":" + json_quoted(person_placeholder(key));
    return text;
}

std::string candidate_text(const candidate& one, double threshold, bool ids) {
    return "{" + person_text(one.label, ids) + distance_text(one.distance, threshold) +
           ",\"face_id\":" + json_quoted(one.face_id) + "}";
}

std::string image_text(const searched_photo& photo) {
    return "{\"width\":" + std::to_string(photo.width) +
           ",\"height\":" + std::to_string(photo.height) +
           (photo.animated ? ",\"animated\":true}" : "}");
}

std::string searched_text(const searched_photo& photo) {
    return "\"min_face_px\":" + std::to_string(photo.min_face_px) +
           (photo.min_face_px_raised ? ",\"min_face_px_raised\":true" : "");
}

/// What the photo alone tells of a face, without the braces.
std::string seen_text(const found_face& face) {
    return "\"box\":" + box_text(face.detected.where) +
           ",\"detection_score\":" + number(face.detected.score) +
           ",\"landmarks\":" + points_text(face.points) +
           ",\"quality\":" + quality_text(face.quality);
}

// What is omitted from a result that would be too long.
struct detail_level {
    bool candidates = true, embeddings = true, person_ids = false;
};

std::string face_text(const found_face& face, const match& who, double threshold,
                      detail_level level, bool without_photo) {
    if (face.known >= 0) {
        return "{\"box\":" + box_text(face.detected.where) +
               ",\"detection_score\":" + number(face.detected.score) +
               ",\"known\":" + std::to_string(face.known) + "}";
    }
    const bool unknown = who.status == match_status::unknown;
    std::string text = "{";
    if (!without_photo) text += seen_text(face) + ",";
    text += "\"status\":" + json_quoted(name_of(who.status));
    text += "," + (unknown ? "\"label\":null" : person_text(who.label, level.person_ids));
    text += distance_text(who.distance, threshold);
    text += ",\"margin\":" + (unknown ? "null" : number(who.margin));
    text += ",\"candidates\":";
    text += !level.candidates ? "[]" : list_of(who.candidates, [&](const candidate& one) {
        return candidate_text(one, threshold, level.person_ids);
    });
    if (level.embeddings) {
        text += ",\"embedding\":" + vector_text(face.vector);
    }
    return text + "}";
}

std::string gallery_text(const recognized& what) {
    return "\"gallery\":{\"version\":" + std::to_string(what.version) +
           ",\"people\":" + std::to_string(what.people) +
           ",\"faces\":" + std::to_string(what.faces_trained) + "}";
}

/// Nothing of what was not used.
std::string models_text(const recognized& what) {
    std::string text = "{";
    if (!what.detector.empty()) text += "\"detector\":" + json_quoted(what.detector);
    if (what.embedding_model.empty()) return text + "}";
    if (text.size() > 1) text += ',';
    return text + "\"embedding\":" + json_quoted(what.embedding_model) + "}";
}

std::string recognized_text(const recognized& what, detail_level level) {
    std::string text = "{";
    if (!what.without_photo) text += "\"image\":" + image_text(what) + ",";
    text += gallery_text(what) + ",\"models\":" + models_text(what);
    if (!what.without_photo) text += "," + searched_text(what);
    text += ",\"distance_max\":" + number(what.distance_max) +
            ",\"similarity_min\":" + number(similarity_at(what.distance_max, what.threshold)) +
            ",\"false_match_rate\":" + rate_text(what.false_match_rate) +
            ",\"stranger_rate\":" + rate_text(what.stranger_rate);
    if (what.extrapolated) text += ",\"stranger_rate_extrapolated\":true";
    text += ",\"faces\":[";
    for (std::size_t i = 0; i < what.faces.size(); ++i) {
        if (i > 0) text += ',';
        text +=
            face_text(what.faces[i], what.matches[i], what.threshold, level, what.without_photo);
    }
    text += what.truncated ? "],\"truncated\":true" : "]";
    return text + ",\"timing_ms\":" + timing_text(what.timing_ms) + "}";
}

/// A face of a detect, embed or verify; with its vector if there is room for it.
std::string plain_face_text(const found_face& face, bool vector) {
    return "{" + seen_text(face) + (vector ? ",\"embedding\":" + vector_text(face.vector) : "") +
           "}";
}

std::string found_text(const recognized& what, bool vectors) {
    std::string text = "{\"image\":" + image_text(what) + ",\"models\":" + models_text(what);
    if (what.dimension > 0) text += ",\"dimension\":" + std::to_string(what.dimension);
    text +=
        "," + searched_text(what) + ",\"faces\":" +
        list_of(what.faces, [&](const found_face& face) { return plain_face_text(face, vectors); });
    if (what.truncated) text += ",\"truncated\":true";
    return text + ",\"timing_ms\":" + timing_text(what.timing_ms) + "}";
}

/// The photos of a verify, each with its faces.
std::string photos_text(const recognized& what) {
    std::size_t next = 0;
    return list_of(what.photos, [&](const searched_photo& photo) {
        std::string text =
            "{\"image\":" + image_text(photo) + "," + searched_text(photo) + ",\"faces\":[";
        for (std::size_t i = 0; i < photo.faces_found; ++i, ++next) {
            if (i > 0) text += ',';
            text += plain_face_text(what.faces[next], false);
        }
        return text + (photo.truncated ? "],\"truncated\":true}" : "]}");
    });
}

std::string rates_text(const std::vector<gallery_calibration::point>& points, const char* rate,
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

std::string suspicious_text(const gallery_calibration::suspicious_face& one, double threshold,
                            bool ids) {
    return "{" + person_text(one.label, ids) + ",\"face_id\":" + json_quoted(one.face_id) +
           distance_text(one.distance, threshold) + ",\"nearer\":" +
           candidate_text({one.other_label, one.other_distance, one.other_face_id}, threshold,
                          ids) +
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
    if (name == "top") return read_whole(value, name, 0, 100, into.top);
    if (name == "vectors") {
        return read_whole(value, name, 0, static_cast<int>(limits::vectors_per_job), into.vectors);
    }
    if (name == "first_bytes") {
        return read_whole(value, name, 0, static_cast<int>(limits::body_bytes), into.first_bytes);
    }
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
    } else if (name == "embedder" || name == "model" || name == "label") {
        const auto* text = value.if_string();
        if (text == nullptr) return fail(errc::bad_option, std::string(name) + " must be a text");
        (name == "embedder" ? into.embedder
         : name == "model"  ? into.model
                            : into.label)
            .assign(text->data(), text->size());
    } else if (name == "annotate" || name == "embeddings" || name == "rotate" ||
               name == "forget_without_pictures" || name == "person_ids") {
        const bool* set = value.if_bool();
        if (set == nullptr) {
            return fail(errc::bad_option, std::string(name) + " must be true or false");
        }
        (name == "annotate"     ? into.annotate
         : name == "embeddings" ? into.embeddings
         : name == "rotate"     ? into.rotate
         : name == "person_ids" ? into.person_ids
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
    const bool ids = what.person_ids;
    std::string text = recognized_text(what, {true, what.embeddings, ids});
    if (text.size() > limits::result_bytes)
        text = recognized_text(what, {false, what.embeddings, ids});
    if (text.size() > limits::result_bytes) text = recognized_text(what, {false, false, ids});
    return text;
}

std::string json_of_found(const recognized& what, bool vectors) {
    return found_text(what, vectors);
}

std::string json_of(const recognized& what, const verification& outcome) {
    std::string text = "{\"same\":" + std::string(outcome.same ? "true" : "false") +
                       distance_text(outcome.distance, what.threshold);
    text += ",\"distance_max\":" + number(what.distance_max) +
            ",\"similarity_min\":" + number(similarity_at(what.distance_max, what.threshold)) +
            ",\"false_match_rate\":" + rate_text(what.false_match_rate) +
            ",\"comparisons\":" + std::to_string(outcome.comparisons);
    text += ",\"compared\":";
    if (!outcome.distance) {
        text += "null";
    } else {
        text += "{\"face\":" + std::to_string(outcome.face);
        text += outcome.face_id.empty() ? ",\"other_face\":" + std::to_string(outcome.other_face)
                                        : ",\"face_id\":" + json_quoted(outcome.face_id);
        text += "}";
    }
    if (!outcome.label.empty()) {
        text += ",\"person\":{" + person_text(outcome.label, what.person_ids) +
                ",\"faces\":" + std::to_string(outcome.faces_of_person) + "}," + gallery_text(what);
    }
    text += ",\"models\":" + models_text(what) + ",\"photos\":" + photos_text(what);
    return text + ",\"timing_ms\":" + timing_text(what.timing_ms) + "}";
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

std::string json_of(const gallery_calibration& found, bool person_ids) {
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
    text +=
        ",\"comparisons\":" + rates_text(found.comparisons, "false_match_rate", found.distance_max);
    text += ",\"strangers\":" + rates_text(found.strangers, "stranger_rate", found.distance_max);
    text += ",\"now\":{\"distance_max\":" + number(found.distance_max) +
            ",\"false_match_rate\":" + rate_text(found.false_match_rate) +
            ",\"true_match_rate\":" + rate_text(found.true_match_rate) +
            ",\"stranger_rate\":" + rate_text(found.stranger_rate) + "}";
    text += ",\"suspicious\":" + list_of(found.suspicious, [&](const auto& one) {
                return suspicious_text(one, found.distance_max, person_ids);
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

std::string face_json(std::string_view job_id, unix_time created, std::string_view photo) {
    return "{\"job_id\":" + json_quoted(job_id) +
           ",\"created_at\":" + json_quoted(rfc3339(created)) + ",\"photo\":" + json_quoted(photo) +
           "}";
}

std::string face_json(std::string_view job_id, unix_time created, const detected_face& face,
                      std::string_view photo, double quality) {
    return "{\"job_id\":" + json_quoted(job_id) +
           ",\"created_at\":" + json_quoted(rfc3339(created)) + ",\"box\":" + box_text(face.where) +
           ",\"detection_score\":" + number(face.score) +
           ",\"quality_score\":" + number(quality, 3) + ",\"photo\":" + json_quoted(photo) + "}";
}

}  // namespace vultus
