// See input.hpp.
#include "api/compat/compreface/input.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "api/compat/common/form.hpp"
#include "api/compat/common/native.hpp"
#include "api/http/base64.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/json_submission.hpp"
#include "api/jobs/options.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api::compat::compreface {
namespace {

constexpr std::size_t subject_characters = 50;
constexpr int predictions_most = 100;  // as the native `top`
constexpr std::array<std::string_view, 9> extensions{"jpeg", "jpg", "ico",  "png", "bmp",
                                                     "gif",  "tif", "tiff", "webp"};

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == text.npos;
}

std::size_t characters_in(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

bool has_picture_name(std::string_view name) {
    const auto dot = name.rfind('.');
    if (dot == name.npos) return false;
    const auto given = name.substr(dot + 1);
    return std::any_of(extensions.begin(), extensions.end(),
                       [&](auto one) { return same_text(one, given); });
}

/// A value that is given and not empty.
std::optional<std::string> value_of(const name_values& fields, const char* name) {
    const auto found = fields.find(name);
    if (found == fields.end() || found->second.empty()) return std::nullopt;
    return found->second;
}

template <class Number>
bool parse_whole(const std::string& text, Number& out) {
    const auto* last = text.data() + text.size();
    const auto [end, bad] = std::from_chars(text.data(), last, out);
    return bad == std::errc{} && end == last;
}

bool is_form(const request& req) {
    const auto type = parse_media_type(req.header("content-type")).type;
    return type == "multipart/form-data" || type == "application/x-www-form-urlencoded";
}

/// Adds the fields of the form that the query does not have.
void merge(const form& given, name_values& fields) {
    for (const auto& [name, value] : given.fields) fields.emplace(name, value);
}

outcome<shared_bytes> picture_of(const form& given, const std::string& name) {
    const auto part = std::find_if(given.files.begin(), given.files.end(),
                                   [&](const auto& one) { return one.name == name; });
    if (part == given.files.end()) {
        return refused(code::no_part, "Required part '" + name + "' is not present.");
    }
    if (!has_picture_name(part->filename)) {
        return refused(code::bad_file, "Incorrect file extension: " + in_quotes(part->filename));
    }
    return part->body;
}

outcome<shared_bytes> picture_of(const json_value& given, const std::string& name,
                                 const std::shared_ptr<const void>& room) {
    const auto* value = given.find(name);
    if (value == nullptr || value->is == json_value::kind::null ||
        (value->is == json_value::kind::text && value->text.empty())) {
        return refused(code::empty_member, name + " must not be empty");
    }
    // A `data:` URI is none here, though it is one natively.
    const bool uri = value->text.starts_with("data:");
    auto bytes = value->is == json_value::kind::text && !uri
                     ? base64_decode(value->text, limits::body_bytes)
                     : result<std::string>(fail(errc::malformed));
    if (!bytes && bytes.error().code == errc::too_large) {
        return refused(code::anything, bytes.error().detail);
    }
    if (!bytes) return refused(code::bad_file, name + " is not Base64");
    using both = std::pair<std::string, std::shared_ptr<const void>>;
    const auto kept = std::make_shared<const both>(std::move(*bytes), room);
    return shared_bytes{kept, kept->first};
}

}  // namespace

outcome<json_value> read_body(const request& req, json_value::kind wanted) {
    if (!is_json_type(parse_media_type(req.header("content-type")).type)) {
        return refused(code::anything);
    }
    auto body = parse_body(req.body);
    if (!body || body->is != wanted) return refused(code::anything);
    return std::move(*body);
}

outcome<name_values> read_parameters(const request& req) {
    auto fields = lenient_query(req.target);
    if (!fields) return refused(code::anything);
    if (is_form(req) && !req.body.empty()) {
        const auto given = read_form(req, "file source_image target_image");
        if (!given) return refused(code::anything);
        merge(*given, *fields);
    }
    return std::move(*fields);
}

outcome<input> read_pictures(request& req, const std::vector<std::string>& names) {
    input read;
    auto fields = lenient_query(req.target);
    if (!fields) return refused(code::anything);
    read.fields = std::move(*fields);
    const auto type = parse_media_type(req.header("content-type")).type;
    if (is_json_type(type)) {
        const auto body = read_body(req, json_value::kind::object);
        if (!body) return tl::unexpected<response>(body.error());
        req.body = {};
        for (const auto& name : names) {
            auto picture = picture_of(*body, name, req.room);
            if (!picture) return tl::unexpected<response>(picture.error());
            read.pictures.push_back(std::move(*picture));
        }
        return read;
    }
    if (type != "multipart/form-data") return refused(code::anything);
    const auto given = read_form(req, "file source_image target_image");
    if (!given) return refused(code::anything);
    req.body = {};
    merge(*given, read.fields);
    for (const auto& name : names) {
        auto picture = picture_of(*given, name);
        if (!picture) return tl::unexpected<response>(picture.error());
        read.pictures.push_back(std::move(*picture));
    }
    return read;
}

outcome<options> read_options(const name_values& fields) {
    options read;
    std::string wrong;
    std::int64_t limit = 0, predictions = 1;
    if (const auto text = value_of(fields, "limit")) {
        if (!parse_whole(*text, limit)) return refused(code::anything);
        if (limit < 0) wrong += "limit should be equal or greater than 0; ";
    }
    if (const auto text = value_of(fields, "prediction_count")) {
        if (!parse_whole(*text, predictions)) return refused(code::anything);
        if (predictions < 1) wrong += "prediction_count should be equal or greater than 1; ";
    }
    if (!wrong.empty()) return refused(code::bad_value, wrong);
    read.limit = static_cast<std::size_t>(limit);
    read.predictions = static_cast<int>(std::min<std::int64_t>(predictions, predictions_most));
    for (const auto& [name, into] :
         {std::pair<const char*, bool*>{"status", &read.status}, {"detect_faces", nullptr}}) {
        bool set = false;
        const auto text = value_of(fields, name);
        if (text && !read_bool(name, *text, set)) return refused(code::anything);
        if (text && into != nullptr) *into = set;
    }
    if (const auto text = value_of(fields, "det_prob_threshold")) {
        double least = 0;
        if (!parse_whole(*text, least)) return refused(code::anything);
        if (!(least >= 0 && least <= 1)) {
            return refused(code::no_face, "det_prob_threshold should be between 0 and 1");
        }
        read.least = least;
    }
    std::string_view plugins;
    const auto named = fields.find("face_plugins");
    if (named != fields.end()) plugins = named->second;
    while (!plugins.empty()) {
        const auto comma = plugins.find(',');
        const auto plugin = trimmed(plugins.substr(0, comma));
        read.landmarks = read.landmarks || plugin == "landmarks";
        read.embedding = read.embedding || plugin == "calculator";
        plugins = comma == plugins.npos ? std::string_view{} : plugins.substr(comma + 1);
    }
    return read;
}

outcome<std::string> subject_in(const name_values& fields) {
    const auto found = fields.find("subject");
    if (found == fields.end()) {
        return refused(code::no_parameter, "Required request parameter 'subject' is not present");
    }
    std::string wrong;
    if (is_blank(found->second)) wrong += "subject cannot be blank; ";
    if (characters_in(found->second) > subject_characters) {
        wrong += "subject has more than 50 characters; ";
    }
    if (!wrong.empty()) return refused(code::bad_value, wrong);
    return found->second;
}

outcome<std::string> subject_in_body(const request& req, bool may_be_empty) {
    const auto body = read_body(req, json_value::kind::object);
    if (!body) return tl::unexpected<response>(body.error());
    const auto* value = body->find("subject");
    if (value == nullptr || value->is != json_value::kind::text) {
        return refused(code::empty_member, "subject must not be null");
    }
    const auto& name = value->text;
    if (is_blank(name) && may_be_empty) return std::string();
    std::string wrong;
    if (is_blank(name)) wrong += "subject cannot be blank; ";
    if (characters_in(name) > subject_characters) wrong += "subject has more than 50 characters; ";
    if (!wrong.empty()) return refused(code::bad_value, wrong);
    if (name.find_first_of(";/\\") != name.npos) {
        return refused(code::bad_name, "subject contains one of the characters ; / \\");
    }
    return name;
}

}  // namespace vultus::api::compat::compreface
