// See submission.hpp.
#include "api/jobs/submission.hpp"

#include <algorithm>

#include "api/http/base64.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/json_submission.hpp"
#include "api/http/multipart.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/image_header.hpp"
#include "shared/model/job.hpp"

namespace vultus::api {
namespace {

struct body_parts {
    name_values fields;
    std::vector<shared_bytes> images;
};

/// Bytes decoded from a body, counted like the body while they are held.
shared_bytes counted(std::string bytes, std::shared_ptr<const void> room) {
    using both = std::pair<std::string, std::shared_ptr<const void>>;
    const auto kept = std::make_shared<const both>(std::move(bytes), std::move(room));
    return {kept, kept->first};
}

/// A part with a file, whatever its name is, or with a name for photos. An option remains an
/// option: some clients send a file name with every part.
bool is_photo(const form_part& part, std::string_view known) {
    if (has_word(known, part.name)) return false;
    if (is_photo_name(part.name)) return true;
    const std::string_view type = part.content_type;
    if (type.starts_with("image/") || type == "application/octet-stream") return true;
    return part.has_filename && !type.starts_with("text/") && !is_json_type(type);
}

constexpr std::size_t text_bytes = 256;  ///< a photo is larger, a path mistaken for a file is not

/// The photo in a part. The canvas of a web page gives a `data:` URI.
result<shared_bytes> photo_in(const form_part& part, const std::shared_ptr<const void>& room) {
    if (part.has_filename) return part.body;
    if (part.body.view().starts_with("data:")) {
        auto bytes = base64_decode(part.body, limits::body_bytes);
        if (bytes) return counted(std::move(*bytes), room);
        return fail(bytes.error().code,
                    in_quotes(part.name) + " in the form: " + bytes.error().detail);
    }
    if (!part.body.empty() && part.body.size() < text_bytes && is_utf8(part.body)) {
        return fail(errc::unsupported_media, in_quotes(part.name) +
                                                 " in the form is text, not a file: with curl use "
                                                 "-F file=@PATH");
    }
    return part.body;
}

/// errors of the part, by its name
result<void> take_field(const form_part& part, std::string_view known, name_values& fields) {
    const auto name = in_quotes(part.name) + " in the form ";
    if (!has_word(known, part.name)) return fail(unknown_name("the form", part.name, known));
    if (part.body.size() > limits::field_bytes) {
        return fail(errc::too_large, name +
                                         "is an option longer than 4 KiB: send a photo "
                                         "in the field \"file\"");
    }
    // A name that is not UTF-8 is refused as a bad label.
    if (part.name != "name" && !is_utf8(part.body)) {
        return fail(errc::malformed, name + "is not UTF-8");
    }
    if (fields.contains(part.name)) return fail(given_twice("the form", part.name));
    fields.emplace(part.name, part.body.copied());
    return {};
}

result<body_parts> read_form(std::string_view boundary, const request& req, std::string_view known,
                             bool photos) {
    const auto form = parse_multipart(boundary, req.body);
    if (!form) return fail(form.error());
    body_parts read;
    for (const auto& part : *form) {
        if (!is_photo(part, known)) {
            if (auto good = take_field(part, known, read.fields); !good) return fail(good.error());
            continue;
        }
        // A browser sends an empty part when no file was chosen.
        if (part.has_filename && part.filename.empty() && part.body.empty()) continue;
        if (!photos) {
            return fail(errc::malformed, "No photo allowed here: " + in_quotes(part.name));
        }
        auto photo = photo_in(part, req.room);
        if (!photo) return fail(photo.error());
        read.images.push_back(std::move(*photo));
    }
    return read;
}

result<body_parts> read_json(const request& req, std::string_view known, bool photos) {
    auto json = parse_json_submission(req.body, known, photos);
    if (!json) return fail(json.error());
    body_parts read;
    read.fields = std::move(json->fields);
    for (auto& image : json->images) read.images.push_back(counted(std::move(image), req.room));
    return read;
}

result<body_parts> read_body(request& req, std::string_view known) {
    const auto type = parse_media_type(req.header("content-type"));
    if (req.body.empty()) return fail(errc::malformed, "Body is empty: send a photo");
    if (type.type == "multipart/form-data") {
        return read_form(type.boundary, req, known, true);
    }
    if (is_json_type(type.type)) return read_json(req, known, true);
    body_parts read;
    read.images.push_back(std::move(req.body));
    return read;
}

/// Adds the fields of the query; no name may be in both.
result<void> merge(const name_values& query, name_values& fields) {
    for (const auto& [name, value] : query) {
        if (!fields.emplace(name, value).second) {
            return fail(errc::malformed, in_quotes(name) + " occurs in both query and body");
        }
    }
    return {};
}

result<void> check_images(const std::vector<shared_bytes>& images) {
    error first;
    bool bad = false;
    for (const auto& image : images) {
        const auto number = std::to_string(&image - images.data() + 1);
        auto header = image.empty()
                          ? result<image_header>(fail(errc::unsupported_media, "File is empty"))
                          : inspect_image(image);
        if (header) return {};
        if (!bad) first = header.error();
        if (!bad && images.size() > 1) first.detail = "Photo " + number + ": " + first.detail;
        bad = true;
    }
    return fail(std::move(first));
}

}  // namespace

result<submitted> read_submission(job_type type, request& req) {
    auto body = read_body(req, type == job_type::train ? train_names : recognize_names);
    req.body = {};
    if (!body) return fail(body.error());
    if (auto merged = merge(req.query, body->fields); !merged) return fail(merged.error());
    auto what = parse_options(type, body->fields);
    if (!what) return fail(what.error());
    if (body->images.empty()) {
        return fail(errc::malformed,
                    "No photo: send it in the field \"file\" of a "
                    "form, or as \"image\" in JSON");
    }
    // Forms may send an empty file beside the photo; in a train each file has its verdict.
    if (type == job_type::recognize && body->images.size() > 1) {
        const auto full = std::partition(body->images.begin(), body->images.end(),
                                         [](const shared_bytes& one) { return !one.empty(); });
        body->images.erase(std::max(full, body->images.begin() + 1), body->images.end());
    }
    const auto given = std::to_string(body->images.size());
    if (type == job_type::recognize && body->images.size() > 1) {
        return fail(errc::malformed, "recognize takes one photo, not " + given);
    }
    if (body->images.size() > limits::files_per_train) {
        return fail(errc::too_large, "train takes at most 16 photos, not " + given);
    }
    if (auto good = check_images(body->images); !good) return fail(good.error());
    return submitted{std::move(*what), std::move(body->images)};
}

result<name_values> read_fields(const request& req, std::string_view known) {
    name_values fields;
    const auto type = parse_media_type(req.header("content-type"));
    if (req.body.empty()) return req.query;
    if (type.type == "application/x-www-form-urlencoded") {
        auto read = parse_query(req.body, known, "the form");
        if (!read) return fail(read.error());
        fields = std::move(*read);
    } else if (type.type == "multipart/form-data" || is_json_type(type.type)) {
        auto read = is_json_type(type.type) ? read_json(req, known, false)
                                            : read_form(type.boundary, req, known, false);
        if (!read) return fail(read.error());
        fields = std::move(read->fields);
    } else {
        return fail(errc::malformed,
                    "Body must be a form or JSON with options, not "
                    "Content-Type " +
                        in_quotes(req.header("content-type")));
    }
    if (auto merged = merge(req.query, fields); !merged) return fail(merged.error());
    return fields;
}

std::string fingerprint_of(const submitted& from) {
    std::string text(name_of(from.what.type));
    text += "\n" + from.what.collection + "\n" + json_quoted(from.what.label) + "\n" +
            to_json(from.what.options);
    for (const auto& image : from.images) text += "\n" + sha256_hex(image);
    return sha256_hex(text);
}

}  // namespace vultus::api
