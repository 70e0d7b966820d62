// See options.hpp.
#include "api/jobs/options.hpp"

#include <charconv>
#include <cmath>

#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/routes.hpp"
#include "shared/model/label.hpp"

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

result<void> read_recognize(const std::string& name, const std::string& value, submission& into) {
    if (name == "k") return read_int(name, value, 1, 100, into.options.k);
    if (name == "distance_max") return read_distance(value, into.options.distance_max);
    if (name == "similarity_min") return read_similarity(value, into.options.similarity_min);
    if (name == "annotate") return read_bool(name, value, into.options.annotate);
    if (name == "embeddings") return read_bool(name, value, into.options.embeddings);
    if (name == "durable") return read_bool(name, value, into.durable);
    return fail(unknown_name("recognize", name, recognize_names));
}

result<void> read_train(const std::string& name, const std::string& value, submission& into) {
    if (name == "name") {
        auto label = normal_label(value);
        if (!label) return fail(label.error());
        into.label = *std::move(label);
        return {};
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

result<submission> parse_options(job_type type, const name_values& fields) {
    submission into;
    into.type = type;
    for (const auto& [name, value] : fields) {
        bool known = false;
        auto good = read_shared(name, value, into, known);
        if (good && !known) {
            good = type == job_type::train ? read_train(name, value, into)
                                           : read_recognize(name, value, into);
        }
        if (!good) return fail(good.error());
    }
    if (fields.contains("upsample") && fields.contains("min_face_px")) {
        return fail(errc::bad_option, "upsample and min_face_px exclude each other");
    }
    if (auto good = check_rotate(into.options, into.options.detector); !good) {
        return fail(good.error());
    }
    if (fields.contains("distance_max") && fields.contains("similarity_min")) {
        return fail(errc::bad_option, "distance_max and similarity_min exclude each other");
    }
    if (type == job_type::train && into.label.empty()) {
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
    if (!options.embedder.empty()) {
        text.add("embedder", std::string_view(options.embedder));
        text.add("forget_without_pictures", options.forget_without_pictures);
    }
    if (options.quality != quality_gate::off) text.add("quality", name_of(options.quality));
    return text.take();
}

}  // namespace vultus::api
