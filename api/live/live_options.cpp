// See live_options.hpp.
#include "api/live/live_options.hpp"

#include <utility>

#include "api/http/json.hpp"
#include "api/http/routes.hpp"
#include "api/jobs/options.hpp"

namespace vultus::api {
namespace {

constexpr std::pair<blur_mode, std::string_view> blur_names[] = {
    {blur_mode::none, "none"},
    {blur_mode::unknown, "unknown"},
    {blur_mode::known, "known"},
    {blur_mode::all, "all"},
};

result<void> read_own(const std::string& name, const std::string& value, live_options& into) {
    if (name == "tracks") return read_bool(name, value, into.tracks);
    for (const auto& [mode, word] : blur_names) {
        if (value != word) continue;
        into.blur = mode;
        return {};
    }
    return fail(errc::bad_option,
                "blur must be none, unknown, known or all, not " + in_quotes(value));
}

/// What 0 leaves to the service.
bool may_be_the_services(std::string_view name) {
    return name == "k" || name == "distance_max" || name == "similarity_min";
}

}  // namespace

std::string_view name_of(blur_mode mode) noexcept {
    for (const auto& [value, name] : blur_names) {
        if (value == mode) return name;
    }
    return "none";
}

result<live_options> changed(live_options from, const name_values& fields) {
    name_values shared{{"min_face_px", std::to_string(from.faces.min_face_px)},
                       {"detector", from.faces.detector.empty() ? std::string(default_detector)
                                                                : from.faces.detector},
                       {"collection", from.collection}};
    if (from.faces.k > 0) shared["k"] = std::to_string(from.faces.k);
    // One of the two replaces the other; both in one message are an error.
    const bool one_is_given = fields.contains("distance_max") || fields.contains("similarity_min");
    if (from.faces.distance_max > 0 && !one_is_given) {
        shared["distance_max"] = json_number(from.faces.distance_max);
    }
    if (from.faces.similarity_min > 0 && !one_is_given) {
        shared["similarity_min"] = json_number(from.faces.similarity_min);
    }
    for (const auto& [name, value] : fields) {
        if (name == "tracks" || name == "blur") {
            if (auto good = read_own(name, value, from); !good) return fail(good.error());
        } else if (may_be_the_services(name) && value == "0") {
            shared.erase(name);  // the service's default
        } else if (may_be_the_services(name) || shared.contains(name)) {
            shared[name] = value;
        } else {
            return fail(unknown_name("the live channel", name, live_names));
        }
    }
    auto read = parse_options(job_type::recognize, shared);
    if (!read) return fail(read.error());
    from.collection = std::move(read->collection);
    from.faces = std::move(read->options);
    return from;
}

std::string settings_json(const live_options& options) {
    json_object text;
    text.add("type", "settings");
    text.add("collection", std::string_view(options.collection));
    const std::string& detector = options.faces.detector;
    text.add("detector", detector.empty() ? default_detector : std::string_view(detector));
    text.add("min_face_px", options.faces.min_face_px);
    text.add("distance_max", options.faces.distance_max);
    text.add("similarity_min", options.faces.similarity_min);
    text.add("k", options.faces.k);
    text.add("tracks", options.tracks);
    text.add("blur", name_of(options.blur));
    return text.take();
}

bool is_blurred(blur_mode mode, face_status status) noexcept {
    switch (mode) {
        case blur_mode::all:
            return true;
        case blur_mode::unknown:
            return status != face_status::known;
        case blur_mode::known:
            return status != face_status::unknown;
        case blur_mode::none:
            break;
    }
    return false;
}

}  // namespace vultus::api
