// See photos.hpp.
#include "api/photos.hpp"

#include <algorithm>

#include "api/fields.hpp"
#include "api/json.hpp"
#include "api/multipart.hpp"
#include "shared/ids.hpp"
#include "shared/image_header.hpp"
#include "shared/limits.hpp"

namespace vultus::api {
namespace {

struct body_parts {
    name_values fields;
    std::vector<std::string> images;
};

constexpr std::size_t field_bytes = 4 * limits::kib;

result<body_parts> read_form(std::string_view boundary, std::string_view body) {
    auto form = parse_multipart(boundary, body);
    if (!form) return fail(form.error());
    body_parts read;
    for (auto& part : *form) {
        if (part.name == "file") {
            // A browser sends an empty part when no file was chosen.
            if (part.has_filename && part.filename.empty() && part.body.empty()) continue;
            read.images.push_back(std::move(part.body));
            continue;
        }
        if (part.body.size() > field_bytes) {
            return fail(errc::too_large, "a field of the form is larger than 4 KiB");
        }
        // A name that is not UTF-8 is a bad label, and is refused as one.
        if (part.name != "name" && !is_utf8(part.body)) {
            return fail(errc::malformed, "a field of the form is not UTF-8");
        }
        if (!read.fields.emplace(part.name, std::move(part.body)).second) {
            return fail(errc::malformed, "the form has a field twice");
        }
    }
    return read;
}

result<body_parts> read_json(std::string_view body) {
    auto json = parse_json_submission(body);
    if (!json) return fail(json.error());
    body_parts read;
    read.fields = std::move(json->fields);
    if (json->has_image) read.images.push_back(std::move(json->image));
    return read;
}

result<body_parts> read_body(request& from) {
    const auto type = parse_media_type(from.header("content-type"));
    if (from.body.empty()) return fail(errc::malformed, "the body is empty: send a photo");
    if (type.type == "multipart/form-data") return read_form(type.boundary, from.body);
    if (type.type == "application/json") return read_json(from.body);
    body_parts read;
    read.images.push_back(std::move(from.body));
    return read;
}

/// The fields of the query and those of the body; none may be in both.
result<void> merge(const name_values& query, name_values& fields) {
    for (const auto& [name, value] : query) {
        if (!fields.emplace(name, value).second) {
            return fail(errc::malformed, "an option is in the query and in the body");
        }
    }
    return {};
}

result<void> check_images(const std::vector<std::string>& images) {
    error first;
    bool bad = false;
    for (const auto& image : images) {
        auto header = image.empty()
                          ? result<image_header>(fail(errc::unsupported_media, "the file is empty"))
                          : inspect_image(image);
        if (header) return {};
        if (!bad) first = header.error();
        bad = true;
    }
    return fail(std::move(first));
}

}  // namespace

result<submitted> read_submission(job_type type, request& from) {
    auto body = read_body(from);
    from.body.clear();
    from.body.shrink_to_fit();
    if (!body) return fail(body.error());
    if (auto merged = merge(from.query, body->fields); !merged) return fail(merged.error());
    auto what = parse_options(type, body->fields);
    if (!what) return fail(what.error());
    if (body->images.empty()) return fail(errc::malformed, "the photo is missing: field `file`");
    // An empty file beside a good one is a form's slip; of a train each file has its verdict.
    if (type == job_type::recognize && body->images.size() > 1) {
        const auto full = std::partition(body->images.begin(), body->images.end(),
                                         [](const std::string& one) { return !one.empty(); });
        body->images.erase(std::max(full, body->images.begin() + 1), body->images.end());
    }
    if (type == job_type::recognize && body->images.size() > 1) {
        return fail(errc::malformed, "recognize takes one photo");
    }
    if (body->images.size() > limits::files_per_train) {
        return fail(errc::too_large, "train takes at most 16 photos");
    }
    if (auto good = check_images(body->images); !good) return fail(good.error());
    return submitted{std::move(*what), std::move(body->images)};
}

result<name_values> read_fields(const request& from, std::string_view known) {
    name_values fields;
    const auto type = parse_media_type(from.header("content-type"));
    if (from.body.empty()) return from.query;
    if (type.type == "application/x-www-form-urlencoded") {
        auto read = parse_query(from.body, known);
        if (!read) return fail(read.error());
        fields = std::move(*read);
    } else if (type.type == "multipart/form-data" || type.type == "application/json") {
        auto read = type.type == "application/json" ? read_json(from.body)
                                                    : read_form(type.boundary, from.body);
        if (!read) return fail(read.error());
        if (!read->images.empty()) return fail(errc::malformed, "no photo is wanted here");
        fields = std::move(read->fields);
    } else {
        return fail(errc::malformed, "a body here is a form or JSON with the fields of the query");
    }
    for (const auto& [name, value] : fields) {
        if (!has_word(known, name)) {
            return fail(errc::bad_option, "the body has a field that this address does not know");
        }
    }
    if (auto merged = merge(from.query, fields); !merged) return fail(merged.error());
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
