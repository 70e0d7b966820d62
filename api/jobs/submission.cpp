// See submission.hpp.
#include "api/jobs/submission.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <sstream>

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
    std::vector<std::vector<double>> vectors;
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
    // A form repeats a field for a list; so do URLs, which hold no white space.
    if (part.name == "url" || part.name == "urls") {
        fields[part.name] += part.body.copied() + '\n';
        return {};
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
    read.vectors = std::move(json->vectors);
    return read;
}

bool has_url(const name_values& fields) {
    return fields.contains("url") || fields.contains("urls");
}

/// Takes the URLs out of the fields: `url`, then `urls`, separated by white space.
std::vector<std::string> take_urls(name_values& fields) {
    std::vector<std::string> urls;
    for (const char* name : {"url", "urls"}) {
        const auto given = fields.extract(name);
        if (given.empty()) continue;
        std::istringstream words(given.mapped());
        for (std::string word; words >> word;) urls.push_back(std::move(word));
    }
    return urls;
}

result<body_parts> read_body(request& req, std::string_view known) {
    const auto type = parse_media_type(req.header("content-type"));
    if (req.body.empty() && has_url(req.query)) return body_parts{};
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

}  // namespace

result<void> check_images(const std::vector<shared_bytes>& images, bool all) {
    error first;
    bool bad = false;
    for (const auto& image : images) {
        const auto number = std::to_string(&image - images.data() + 1);
        auto header = image.empty()
                          ? result<image_header>(fail(errc::unsupported_media, "File is empty"))
                          : inspect_image(image);
        if (header && all) continue;
        if (header) return {};
        if (!bad) first = header.error();
        if (!bad && images.size() > 1) first.detail = "Photo " + number + ": " + first.detail;
        bad = true;
    }
    if (!bad) return {};
    return fail(std::move(first));
}

namespace {

/// errors    malformed, too_large
result<void> check_count(const submission& what, std::size_t count, std::size_t wanted) {
    const auto given = std::to_string(count);
    if (what.type == job_type::verify && count != wanted) {
        return fail(errc::malformed, wanted == 2
                                         ? "verify takes two photos, or a photo and the "
                                           "option person; not " +
                                               given + " photos"
                                         : "verify of a person takes one photo, not " + given);
    }
    if (is_question(what.type) && count > 1 && wanted == 1) {
        return fail(errc::malformed,
                    std::string(name_of(what.type)) + " takes one photo, not " + given);
    }
    if (count > limits::files_per_train) {
        return fail(errc::too_large, "train takes at most 16 photos, not " + given);
    }
    return {};
}

/// The number of the first vector that cannot be one, and why.
error bad_vector(std::size_t index, const std::string& why) {
    return {errc::bad_option, "embeddings[" + std::to_string(index) + "] " + why};
}

/// The bytes of one vector: float32, little-endian.
result<std::string> packed(const std::vector<double>& vector, std::size_t index) {
    std::string bytes;
    bool zero = true;
    for (const double value : vector) {
        const auto number = static_cast<float>(value);
        if (!std::isfinite(number)) return fail(bad_vector(index, "has a number out of range"));
        zero = zero && number == 0;
        for (auto bits = std::bit_cast<std::uint32_t>(number), n = 0u; n < 4; ++n, bits >>= 8) {
            bytes.push_back(static_cast<char>(bits & 0xFF));
        }
    }
    if (zero) return fail(bad_vector(index, "is zero"));
    return bytes;
}

/// errors    bad_option, too_large, malformed
result<submitted> with_vectors(submission what, const body_parts& body, const request& req) {
    if (!body.images.empty()) {
        return fail(errc::malformed, "embeddings stand for a photo: send one or the other");
    }
    const std::size_t count = body.vectors.size(), floats = body.vectors.front().size();
    if (what.type == job_type::train && count > limits::files_per_train) {
        return fail(errc::too_large,
                    "train takes at most 16 embeddings, not " + std::to_string(count));
    }
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t here = body.vectors[i].size();
        if (!limits::is_embedding_dimension(here) || here != floats) {
            return fail(bad_vector(i, "has " + std::to_string(here) + " numbers, not " +
                                          (i == 0 ? "128, 256 or 512" : std::to_string(floats))));
        }
        auto bytes = packed(body.vectors[i], i);
        if (!bytes) return fail(bytes.error());
        all += *bytes;
    }
    what.options.vectors = static_cast<int>(count);
    std::vector<shared_bytes> images;
    images.push_back(counted(std::move(all), req.room));
    return submitted{std::move(what), std::move(images), {}};
}

float number_at(std::string_view bytes, std::size_t index) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        bits |= std::uint32_t{static_cast<unsigned char>(bytes[index * 4 + i])} << (8 * i);
    }
    return std::bit_cast<float>(bits);
}

/// Those of a model whose name ends so have length 1; a longer one is of another model.
constexpr std::string_view unit_models = "unit";
constexpr double unit_tolerance = 0.01;

}  // namespace

result<void> check_model(const submitted& given, std::string_view model, std::size_t dimension) {
    const job_options& options = given.what.options;
    if (!options.model.empty() && !model.empty() && options.model != model) {
        return fail(errc::model_mismatch, "The collection takes embeddings of " +
                                              std::string(model) + ", not of " + options.model);
    }
    const std::string_view bytes = given.images.front();
    const auto count = static_cast<std::size_t>(options.vectors);
    const std::size_t floats = bytes.size() / count / sizeof(float);
    if (dimension > 0 && floats != dimension) {
        return fail(errc::bad_option, "embeddings have " + std::to_string(floats) +
                                          " numbers; those of " + std::string(model) + " have " +
                                          std::to_string(dimension));
    }
    for (std::size_t i = 0; model.ends_with(unit_models) && i < count; ++i) {
        double squared = 0;
        for (std::size_t k = 0; k < floats; ++k) {
            const double value = double{number_at(bytes, i * floats + k)};
            squared += value * value;
        }
        if (std::abs(std::sqrt(squared) - 1) > unit_tolerance) {
            return fail(bad_vector(i, "has not length 1, as those of " + std::string(model)));
        }
    }
    return {};
}

result<submitted> read_submission(job_type type, request& req) {
    auto body = read_body(req, names_for(type));
    req.body = {};
    if (!body) return fail(body.error());
    if (auto merged = merge(req.query, body->fields); !merged) return fail(merged.error());
    const bool vectors = !body->vectors.empty();
    auto urls = take_urls(body->fields);
    auto what = parse_options(type, body->fields, vectors);
    if (!what) return fail(what.error());
    if (vectors && !urls.empty()) {
        return fail(errc::malformed, "embeddings stand for a photo: send one or the other");
    }
    if (vectors) return with_vectors(std::move(*what), *body, req);
    if (body->images.empty() && urls.empty()) {
        return fail(errc::malformed,
                    "No photo: send it in the field \"file\" of a "
                    "form, or as \"image\" in JSON");
    }
    const std::size_t wanted = type == job_type::verify && what->label.empty() ? 2 : 1;
    // Forms may send an empty file beside the photo; in a train each file has its verdict.
    if (is_question(type) && body->images.size() > wanted) {
        const auto full =
            std::stable_partition(body->images.begin(), body->images.end(),
                                  [](const shared_bytes& one) { return !one.empty(); });
        body->images.erase(std::max(full, body->images.begin() + 1), body->images.end());
    }
    if (auto good = check_count(*what, body->images.size() + urls.size(), wanted); !good) {
        return fail(good.error());
    }
    if (urls.empty()) {  // else once all are there
        const auto good = check_images(body->images, is_question(type));
        if (!good) return fail(good.error());
    }
    return submitted{std::move(*what), std::move(body->images), std::move(urls)};
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
    const auto& who = from.what.person;
    if (who.is_new || !who.person_id.empty() || !who.external_id.empty()) {
        text += "\n" + json_quoted(who.person_id) + json_quoted(who.external_id);
        text += who.is_new ? "new" : "";
    }
    for (const auto& image : from.images) text += "\n" + sha256_hex(image);
    for (const auto& url : from.urls) text += "\nurl " + url;
    return sha256_hex(text);
}

}  // namespace vultus::api
