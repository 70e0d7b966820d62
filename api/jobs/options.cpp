// See options.hpp.
#include "api/jobs/options.hpp"

#include <charconv>
#include <cmath>

#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/routes.hpp"
#include "shared/model/label.hpp"
#include "shared/model/model_names.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

template <class Number>
bool parse_number(const std::string& text, Number& out) {
    const auto* last = text.data() + text.size();
    const auto [end, bad] = std::from_chars(text.data(), last, out);
    return bad == std::errc{} && end == last;
}

result<void> read_int(const std::string& name, const std::string& text, int low, int high,
                      int& out) {
    if (!parse_number(text, out) || out < low || out > high) {
        return fail(errc::bad_option, name + " must be an integer from " + std::to_string(low) +
                                          " to " + std::to_string(high) + ", not " +
                                          in_quotes(text));
    }
    return {};
}

result<void> read_distance(const std::string& text, double& out) {
    if (!parse_number(text, out) || !std::isfinite(out) || out <= 0.0 || out > 2.0) {
        return fail(errc::bad_option,
                    "distance_max must be above 0 and at most 2, not " + in_quotes(text));
    }
    return {};
}

// The range is that of workers/calibration/similarity.hpp.
result<void> read_similarity(const std::string& text, double& out) {
    if (!parse_number(text, out) || !(out >= 0.01 && out <= 0.99)) {
        return fail(errc::bad_option,
                    "similarity_min must be from 0.01 to 0.99, not " + in_quotes(text));
    }
    return {};
}

result<void> read_shared(const std::string& name, const std::string& value, submission& into,
                         bool& known) {
    known = true;
    if (name == "collection") {
        if (auto good = check_collection(value); !good) return good;
        into.collection = value;
        return {};
    }
    if (name == "min_face_px") return read_int(name, value, 10, 2000, into.options.min_face_px);
    if (name == "detector") {
        into.options.detector.clear();
        if (value == default_detector) return {};
        if (auto good = check_detector(value); !good) {
            return fail(errc::bad_option, good.error().detail + ", not " + in_quotes(value));
        }
        into.options.detector = value;
        return {};
    }
    if (name == "rotate") return read_bool(name, value, into.options.rotate);
    if (name == "upsample") {
        int times = 0;
        if (auto good = read_int(name, value, 0, 3, times); !good) return good;
        into.options.min_face_px = 80 >> times;
        return {};
    }
    known = false;
    return {};
}

result<void> read_model(const std::string& name, const std::string& value, std::string& out) {
    if (!is_model_name(value)) {
        return fail(errc::bad_option,
                    name + " must be the name of an embedder, not " + in_quotes(value));
    }
    out = value;
    return {};
}

result<void> read_recognize(const std::string& name, const std::string& value, submission& into) {
    if (name == "k") return read_int(name, value, 1, 100, into.options.k);
    if (name == "distance_max") return read_distance(value, into.options.distance_max);
    if (name == "similarity_min") return read_similarity(value, into.options.similarity_min);
    if (name == "annotate") return read_bool(name, value, into.options.annotate);
    if (name == "embeddings") return read_bool(name, value, into.options.embeddings);
    if (name == "durable") return read_bool(name, value, into.durable);
    if (name == "top") return read_int(name, value, 1, 100, into.options.top);
    if (name == "model") return read_model(name, value, into.options.model);
    return fail(unknown_name("recognize", name, recognize_names));
}

/// detect, embed and verify; parse_options() refused what the type does not know.
result<void> read_question(const std::string& name, const std::string& value, submission& into) {
    if (name == "durable") return read_bool(name, value, into.durable);
    if (name == "embedder") return read_model(name, value, into.options.embedder);
    if (name == "distance_max") return read_distance(value, into.options.distance_max);
    if (name == "similarity_min") return read_similarity(value, into.options.similarity_min);
    auto label = normal_label(value);  // person
    if (!label) return fail(label.error());
    into.label = *std::move(label);
    return {};
}

result<void> read_train(const std::string& name, const std::string& value, submission& into) {
    if (name == "name") {
        auto label = normal_label(value);
        if (!label) return fail(label.error());
        into.label = *std::move(label);
        return {};
    }
    if (name == "model") return read_model(name, value, into.options.model);
    if (name == vectors_member) {
        return fail(errc::bad_option, "embeddings must be a list of lists of numbers, in JSON");
    }
    if (name == "num_jitters") return read_int(name, value, 1, 100, into.options.num_jitters);
    if (name == "quality") {
        const auto level = check_quality_gate(value);
        if (!level) {
            return fail(errc::bad_option, level.error().detail + ", not " + in_quotes(value));
        }
        into.options.quality = *level;
        return {};
    }
    if (name == "person_id") {
        into.person.person_id = value;
        return check_person_id(value);
    }
    if (name == "external_id") {
        into.person.external_id = value;
        return check_external_id(value);
    }
    if (name == "new_person") return read_bool(name, value, into.person.is_new);
    return fail(unknown_name("train", name, train_names));
}

}  // namespace

result<void> read_bool(const std::string& name, const std::string& text, bool& out) {
    for (const std::string_view word : {"true", "1", "yes", "on"}) {
        if (same_text(text, word)) return out = true, result<void>();
    }
    for (const std::string_view word : {"false", "0", "no", "off"}) {
        if (same_text(text, word)) return out = false, result<void>();
    }
    return fail(errc::bad_option, name + " must be true or false, not " + in_quotes(text));
}

result<void> check_rotate(const job_options& options, std::string_view used) {
    if (!options.rotate || used.empty() || turns_pictures(used)) return {};
    std::string detail = "rotate requires detector=centerface or detector=yunet";
    if (options.detector.empty()) detail += "; the default of this service is " + std::string(used);
    return fail(errc::bad_option, std::move(detail));
}

namespace {

result<void> read_one(const std::string& name, const std::string& value, submission& into) {
    const std::string_view known_names = names_for(into.type);
    if (!has_word(known_names, name)) {
        return fail(unknown_name(name_of(into.type), name, known_names));
    }
    bool known = false;
    auto good = read_shared(name, value, into, known);
    if (!good || known) return good;
    if (into.type == job_type::train) return read_train(name, value, into);
    if (into.type == job_type::recognize) return read_recognize(name, value, into);
    return read_question(name, value, into);
}

/// What is about a photo says nothing of given vectors, and their model nothing of a photo.
result<void> check_vectors(job_type type, const name_values& fields, bool vectors) {
    constexpr std::string_view of_photos =
        "min_face_px upsample detector rotate annotate num_jitters quality";
    if (!vectors && fields.contains("model")) {
        return fail(errc::bad_option, "model requires embeddings");
    }
    for (const auto& [name, value] : fields) {
        if (vectors && has_word(of_photos, name)) {
            return fail(errc::bad_option, name + " requires a photo, not embeddings");
        }
    }
    if (vectors && type == job_type::train && !fields.contains("model")) {
        return fail(errc::bad_option, "model is missing: the embedder that made the embeddings");
    }
    return {};
}

/// errors    bad_option
result<void> check_verify(submission& into, const name_values& fields) {
    if (into.label.empty()) return {};
    if (fields.contains("embedder")) {
        return fail(errc::bad_option, "embedder and person exclude each other");
    }
    if (into.collection.empty()) into.collection = "default";
    return {};
}

}  // namespace

std::string_view names_for(job_type type) noexcept {
    switch (type) {
        case job_type::detect:
            return detect_names;
        case job_type::embed:
            return embed_names;
        case job_type::verify:
            return verify_names;
        case job_type::train:
            return train_names;
        default:
            return recognize_names;
    }
}

result<submission> parse_options(job_type type, const name_values& fields, bool vectors) {
    submission into;
    into.type = type;
    if (may_lack_collection(type)) into.collection.clear();
    for (const auto& [name, value] : fields) {
        if (auto good = read_one(name, value, into); !good) return fail(good.error());
    }
    if (auto good = check_vectors(type, fields, vectors); !good) return fail(good.error());
    if (auto good = check_verify(into, fields); !good) return fail(good.error());
    if (fields.contains("upsample") && fields.contains("min_face_px")) {
        return fail(errc::bad_option, "upsample and min_face_px exclude each other");
    }
    if (auto good = check_rotate(into.options, into.options.detector); !good) {
        return fail(good.error());
    }
    if (fields.contains("distance_max") && fields.contains("similarity_min")) {
        return fail(errc::bad_option, "distance_max and similarity_min exclude each other");
    }
    if (type == job_type::train && into.label.empty() && into.person.person_id.empty()) {
        return fail(errc::bad_label, "Option \"name\" is missing: the person's name");
    }
    if (!into.durable && into.options.annotate) {
        return fail(errc::bad_option, "annotate requires durable=true");
    }
    return into;
}

std::string to_json(const job_options& options) {
    json_object text;
    if (!options.detector.empty()) text.add("detector", std::string_view(options.detector));
    text.add("min_face_px", options.min_face_px);
    text.add("distance_max", options.distance_max);
    if (options.similarity_min > 0) text.add("similarity_min", options.similarity_min);
    text.add("k", options.k);
    text.add("annotate", options.annotate);
    text.add("embeddings", options.embeddings);
    text.add("num_jitters", options.num_jitters);
    if (options.rotate) text.add("rotate", true);
    if (!options.embedder.empty()) text.add("embedder", std::string_view(options.embedder));
    if (options.forget_without_pictures) text.add("forget_without_pictures", true);
    if (options.top > 0) text.add("top", options.top);
    if (options.vectors > 0) text.add("vectors", options.vectors);
    if (!options.model.empty()) text.add("model", std::string_view(options.model));
    if (options.first_bytes > 0) text.add("first_bytes", options.first_bytes);
    if (!options.label.empty()) text.add("label", std::string_view(options.label));
    if (options.person_ids) text.add("person_ids", true);
    if (options.quality != quality_gate::off) text.add("quality", name_of(options.quality));
    return text.take();
}

}  // namespace vultus::api
