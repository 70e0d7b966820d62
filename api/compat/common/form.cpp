// See form.hpp.
#include "api/compat/common/form.hpp"

#include "api/compat/common/native.hpp"
#include "api/http/header_fields.hpp"
#include "shared/base/utf8.hpp"

namespace vultus::api::compat {

result<form> read_form(const request& req, std::string_view file_names) {
    form read;
    const auto type = parse_media_type(req.header("content-type"));
    if (req.body.empty()) return read;
    if (type.type == "application/x-www-form-urlencoded") {
        auto fields = lenient_query(req.body, true);
        if (!fields) return fail(fields.error());
        read.fields = std::move(*fields);
        return read;
    }
    if (type.type != "multipart/form-data") {
        return fail(errc::unsupported_media, "Body must be multipart/form-data");
    }
    auto parts = parse_multipart(type.boundary, req.body);
    if (!parts) return fail(parts.error());
    for (auto& part : *parts) {
        const bool file = part.has_filename || has_word(file_names, part.name) ||
                          part.content_type.starts_with("image/") ||
                          part.content_type == "application/octet-stream";
        if (file) {
            read.files.push_back(std::move(part));
            continue;
        }
        if (part.body.size() > limits::field_bytes) {
            return fail(errc::too_large, "A field of the form is longer than 4 KiB");
        }
        if (!is_utf8(part.name) || !is_utf8(part.body)) {
            return fail(errc::malformed, "A field of the form is not UTF-8");
        }
        read.fields.emplace(part.name, part.body.copied());
    }
    return read;
}

}  // namespace vultus::api::compat
