// See multipart.hpp. A delimiter is CR LF "--" boundary, and its CR LF may be the one that ends the
// header of an empty part. Only the first delimiter may begin the form without CR LF.
#include "api/http/multipart.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "api/http/header_fields.hpp"
#include "api/http/query.hpp"
#include "api/http/routes.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t padding_bytes = 64;  // spaces after a boundary, allowed by RFC 2046

bool is_boundary(std::string_view text) noexcept {
    if (text.empty() || text.size() > limits::multipart_boundary_bytes) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }) &&
           text.back() != ' ';
}

/// The next `name=value` of a Content-Disposition. In a quoted value only \" and \\ are escapes,
/// because old browsers send Windows paths with bare backslashes. An escaped quote at the end ends
/// the value all the same: the last byte of a name in Shift-JIS may be a backslash.
bool take_parameter(std::string_view& rest, std::string& name, std::string& value) {
    const auto start = rest.find_first_not_of(" \t;");
    if (start == std::string_view::npos) return false;
    rest.remove_prefix(start);
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return false;
    name = trimmed(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    value.clear();
    if (rest.empty() || rest.front() != '"') {
        const auto end = rest.find(';');
        value = trimmed(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end);
        return true;
    }
    std::size_t i = 1;
    for (; i < rest.size() && rest[i] != '"'; ++i) {
        const bool escape =
            rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\');
        value.push_back(escape ? rest[++i] : rest[i]);
    }
    if (i >= rest.size()) {
        if (rest.size() < 3 || rest.back() != '"') return false;
        value = rest.substr(1, rest.size() - 2);
        rest = {};
        return true;
    }
    rest.remove_prefix(i + 1);
    return true;
}

/// Undoes the escaping of names and file names by browsers: %22, %0D and %0A, nothing else.
std::string form_unescaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto three = std::string_view(text).substr(i, 3);
        const bool quote = three == "%22";
        const bool cr = same_text(three, "%0D");
        const bool lf = same_text(three, "%0A");
        if (quote || cr || lf) {
            out.push_back(quote ? '"' : cr ? '\r' : '\n');
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

/// RFC 8187: UTF-8''percent-encoded. Nothing if it is something else.
std::optional<std::string> extended_value(std::string_view value) {
    const auto first = value.find('\'');
    const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
    if (second == std::string_view::npos || !same_text(value.substr(0, first), "utf-8")) return {};
    auto decoded = percent_decode(value.substr(second + 1), false);
    if (!decoded) return {};
    return std::move(*decoded);
}

result<void> read_disposition(std::string_view value, form_part& part, bool& named) {
    const auto kind = trimmed(value.substr(0, value.find(';')));
    if (!same_text(kind, "form-data")) {
        return fail(errc::malformed, "Content-Disposition of a part is not form-data");
    }
    value.remove_prefix(std::min(value.size(), value.find(';')));
    std::string name;
    std::string text;
    bool extended = false;
    while (take_parameter(value, name, text)) {
        if (same_text(name, "name")) {
            part.name = form_unescaped(text);
            named = true;
        } else if (same_text(name, "name*")) {
            auto decoded = extended_value(text);
            if (!decoded) continue;
            part.name = std::move(*decoded);
            named = true;
        } else if (same_text(name, "filename*")) {
            part.filename = extended_value(text).value_or(text);
            part.has_filename = extended = true;
        } else if (same_text(name, "filename") && !extended) {
            // Only its presence matters: the bytes may be in any encoding.
            part.filename = form_unescaped(text);
            part.has_filename = true;
        }
    }
    if (!named) {
        return fail(errc::malformed, "Content-Disposition of a part has no readable name");
    }
    return {};
}

/// Other lines are ignored.
result<void> read_line(std::string_view line, form_part& part, bool& named) {
    const auto colon = std::min(line.find(':'), line.size());
    const auto name = trimmed(line.substr(0, colon));
    const auto value = trimmed(line.substr(std::min(line.size(), colon + 1)));
    if (same_text(name, "content-disposition")) {
        if (named) return fail(errc::malformed, "A part has two Content-Disposition headers");
        return read_disposition(value, part, named);
    }
    if (same_text(name, "content-type")) {
        part.content_type = parse_media_type(value).type;
        if (part.content_type.substr(0, 10) == "multipart/") {
            return fail(errc::malformed, "A part is itself multipart");
        }
    }
    if (same_text(name, "content-transfer-encoding") && !same_text(value, "binary") &&
        !same_text(value, "8bit") && !same_text(value, "7bit")) {
        return fail(errc::malformed, "Content-Transfer-Encoding " + in_quotes(value) +
                                         " of a part is not supported: send it unencoded");
    }
    return {};
}

/// The next line of a header with its continuation lines (RFC 5322, 2.2.3).
std::string take_line(std::string_view& text) {
    std::string line;
    do {
        const auto end = text.find("\r\n");
        line += text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 2);
    } while (!text.empty() && (text.front() == ' ' || text.front() == '\t'));
    return line;
}

result<form_part> read_header(std::string_view text) {
    form_part part;
    bool named = false;
    while (!text.empty()) {
        const auto line = take_line(text);
        if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
            return fail(errc::malformed,
                        "A header line of a part does not end with CR LF or contains a zero byte");
        }
        if (auto good = read_line(line, part, named); !good) return fail(good.error());
    }
    if (!named) return fail(errc::malformed, "A part has no Content-Disposition with a name");
    return part;
}

/// Where `text` begins in `in`. memmem() takes linear time whatever the bytes are.
std::optional<std::size_t> find(std::string_view in, std::string_view text) {
    if (in.size() < text.size()) return std::nullopt;
    const void* const at = ::memmem(in.data(), in.size(), text.data(), text.size());
    if (at == nullptr) return std::nullopt;
    return static_cast<std::size_t>(static_cast<const char*>(at) - in.data());
}

tl::unexpected<error> incomplete() {
    return fail(errc::malformed, "Multipart body ends before its last boundary");
}

/// Takes what follows a boundary: true for a part, false for the end of the form. The CR LF before
/// the header stays.
result<bool> take_line_end(std::string_view& rest) {
    if (rest.size() < 2) return incomplete();
    if (rest.starts_with("--")) return false;
    const auto spaces = std::min(rest.find_first_not_of(" \t"), rest.size());
    if (spaces <= padding_bytes && rest.size() < spaces + 2) return incomplete();
    if (spaces > padding_bytes || rest.substr(spaces, 2) != "\r\n") {
        return fail(errc::malformed,
                    "Unexpected data after a boundary: form lines must end with CR LF");
    }
    rest.remove_prefix(spaces);
    return true;
}

/// Takes the header of a part; the CR LF that ends it stays.
result<form_part> take_header(std::string_view& rest) {
    constexpr std::size_t most = limits::multipart_header_bytes + 4;
    const auto end = find(rest.substr(0, most), "\r\n\r\n");
    if (!end && rest.size() >= most) {
        return fail(errc::too_large, "Header of a part is longer than 8 KiB");
    }
    if (!end) return incomplete();
    auto part = read_header(rest.substr(2, *end < 2 ? 0 : *end - 2));
    rest.remove_prefix(*end + 2);
    return part;
}

}  // namespace

result<std::vector<form_part>> parse_multipart(std::string_view boundary,
                                               const shared_bytes& form) {
    if (!is_boundary(boundary)) {
        return fail(errc::malformed,
                    "Content-Type has no valid boundary: let "
                    "your HTTP client set the field");
    }
    const std::string delimiter = "\r\n--" + std::string(boundary);
    std::string_view rest = form;
    if (rest.starts_with(std::string_view(delimiter).substr(2))) {
        rest.remove_prefix(delimiter.size() - 2);
    } else if (const auto first = find(rest, delimiter)) {
        rest.remove_prefix(*first + delimiter.size());
    } else {
        return fail(errc::malformed,
                    "Body does not contain the boundary of Content-Type: "
                    "form lines must end with CR LF");
    }
    std::vector<form_part> parts;
    for (;;) {
        const auto another = take_line_end(rest);
        if (!another) return fail(another.error());
        if (!*another) return parts;
        if (parts.size() == limits::multipart_parts) {
            return fail(errc::too_large, "Form has more than 64 parts");
        }
        auto part = take_header(rest);
        if (!part) return fail(part.error());
        const auto end = find(rest, delimiter);
        if (!end) return incomplete();
        if (*end >= 2) part->body = form.part(rest.substr(2, *end - 2));
        rest.remove_prefix(*end + delimiter.size());
        parts.push_back(std::move(*part));
    }
}

}  // namespace vultus::api
