// See person_view.hpp.
#include "api/jobs/person_view.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/http/json.hpp"
#include "api/http/query.hpp"
#include "shared/base/json_bounds.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

namespace json = boost::json;

std::string or_null(std::string_view text) {
    return text.empty() ? "null" : json_quoted(text);
}

std::string time_or_null(unix_time when) {
    return when.count() == 0 ? "null" : json_quoted(rfc3339(when));
}

bool is_text_control(char c) {
    const bool white = c == '\n' || c == '\t' || c == '\r';
    return (static_cast<unsigned char>(c) < 0x20 && !white) || c == 0x7f;
}

/// A text, or empty for null.
result<std::string> text_in(std::string_view name, const json::value& value) {
    if (value.is_null()) return std::string();
    if (!value.is_string()) {
        return fail(errc::bad_option, std::string(name) + " must be a string or null");
    }
    const auto& text = value.get_string();
    return std::string(text.data(), text.size());
}

result<void> read_name(const json::value& value, person_patch& into) {
    if (!value.is_string()) return fail(errc::bad_option, "name must be a string");
    auto name = normal_label({value.get_string().data(), value.get_string().size()});
    if (!name) return fail(name.error());
    into.name = *std::move(name);
    return {};
}

result<void> read_external(const json::value& value, person_patch& into) {
    auto text = text_in("external_id", value);
    if (!text) return fail(text.error());
    if (!value.is_null()) {
        if (auto good = check_external_id(*text); !good) return good;
    }
    into.external_id = *std::move(text);
    return {};
}

result<void> read_notes(const json::value& value, person_patch& into) {
    auto text = text_in("notes", value);
    if (!text) return fail(text.error());
    if (text->size() > limits::notes_bytes) {
        return fail(errc::too_large, "notes are longer than 4096 bytes");
    }
    if (std::any_of(text->begin(), text->end(), is_text_control)) {
        return fail(errc::bad_option, "notes contain a control character");
    }
    into.notes = *std::move(text);
    return {};
}

result<void> read_metadata(const json::value& value, person_patch& into) {
    if (!value.is_object() && !value.is_null()) {
        return fail(errc::bad_option, "metadata must be a JSON object or null");
    }
    const bool none = value.is_null() || value.get_object().empty();
    into.metadata = none ? std::string() : json::serialize(value);
    if (into.metadata->size() > limits::metadata_bytes) {
        return fail(errc::too_large, "metadata are longer than 4096 bytes");
    }
    return {};
}

result<void> read_member(std::string_view name, const json::value& value, person_patch& into) {
    if (name == "name") return read_name(value, into);
    if (name == "external_id") return read_external(value, into);
    if (name == "metadata") return read_metadata(value, into);
    if (name == "notes") return read_notes(value, into);
    return fail(unknown_name("JSON", name, "name external_id metadata notes"));
}

}  // namespace

std::string person_json(const person_record& person) {
    json_object text;
    text.raw("person_id", or_null(person.person_id)).add("name", name_of_key(person.key));
    if (person.name_shared) text.add("name_shared", true);
    text.raw("external_id", or_null(person.data.external_id));
    text.raw("metadata", person.data.metadata.empty() ? "null" : person.data.metadata);
    text.raw("notes", or_null(person.data.notes));
    if (!person.readable) text.add("unreadable", true);
    text.add("faces", person.faces);
    text.raw("created", time_or_null(person.created));
    text.raw("last_seen", time_or_null(person.last_seen));
    if (!person.picture.empty()) text.add("picture_face_id", person.picture);
    return text.take();
}

result<person_patch> parse_person_patch(std::string_view body) {
    if (auto good = check_json(body); !good) {
        return fail(good.error().code, "Body: " + good.error().detail);
    }
    boost::system::error_code bad;
    const auto value = json::parse(json::string_view(body.data(), body.size()), bad);
    if (bad || !value.is_object()) return fail(errc::malformed, "Body must be a JSON object");
    person_patch patch;
    for (const auto& member : value.get_object()) {
        const std::string_view name(member.key().data(), member.key().size());
        const auto read = read_member(name, member.value(), patch);
        if (!read) return fail(read.error());
    }
    if (!patch.name && !patch.changes_data()) {
        return fail(errc::bad_option, "Nothing to change: name, external_id, metadata or notes");
    }
    return patch;
}

person_data patched(person_data data, const person_patch& patch) {
    if (patch.external_id) data.external_id = *patch.external_id;
    if (patch.metadata) data.metadata = *patch.metadata;
    if (patch.notes) data.notes = *patch.notes;
    return data;
}

}  // namespace vultus::api
