// See multipart.hpp. The parser keeps what it has not decided in held_; the text before the first
// delimiter gets a CR LF in front, so that the first delimiter looks like the others.
#include "api/http/multipart.hpp"

#include <algorithm>
#include <optional>

#include "api/http/header_fields.hpp"
#include "api/http/query.hpp"
#include "api/http/routes.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t piece_bytes = 64 * limits::kib;
constexpr std::size_t padding_bytes = 64;  // spaces after a boundary: RFC 2046 allows, nobody sends

bool is_boundary(std::string_view text) noexcept {
    if (text.empty() || text.size() > limits::multipart_boundary_bytes) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }) &&
           text.back() != ' ';
}

/// The next `name=value` of a Content-Disposition. In a quoted value only \" and \\ are escapes:
/// old browsers send Windows paths with bare backslashes. A value whose last quote was escaped ends
/// there all the same: the last byte of a name in Shift-JIS may be a backslash.
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

/// Undoes what browsers do to names and file names: %22, %0D and %0A, nothing else.
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

/// RFC 8187: UTF-8''percent-encoded. Nothing if it is not that.
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
            // Only whether there is one counts: its bytes may be in any encoding.
            part.filename = form_unescaped(text);
            part.has_filename = true;
        }
    }
    if (!named) {
        return fail(errc::malformed, "Content-Disposition of a part has no readable name");
    }
    return {};
}

/// A line that says nothing of what is needed is not looked at.
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

/// The next line of a header, together with those that continue it (RFC 5322, 2.2.3).
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

}  // namespace

multipart_parser::multipart_parser(std::string_view boundary) : held_("\r\n") {
    if (is_boundary(boundary)) {
        delimiter_ = "\r\n--" + std::string(boundary);
    } else {
        place_ = place::broken;
    }
}

result<void> multipart_parser::feed(std::string_view bytes) {
    if (place_ == place::broken) {
        return fail(errc::malformed,
                    "Content-Type has no valid boundary: let "
                    "your HTTP client set the field");
    }
    held_ += bytes;
    result<void> outcome;
    while (step(outcome)) {
    }
    if (!outcome) place_ = place::broken;
    return outcome;
}

bool multipart_parser::step(result<void>& outcome) {
    switch (place_) {
        case place::preamble:
        case place::body:
            return step_until_delimiter();
        case place::after_delimiter:
            return step_after_delimiter(outcome);
        case place::header:
            return step_header(outcome);
        case place::epilogue:
            held_.clear();
            return false;
        case place::broken:
            return false;
    }
    return false;
}

bool multipart_parser::step_until_delimiter() {
    const auto found = held_.find(delimiter_);
    const auto keep = delimiter_.size() - 1;
    const bool whole = found != std::string::npos;
    const auto safe = whole ? found : held_.size() - std::min(held_.size(), keep);
    if (place_ == place::body) {
        const auto skip = std::min(skip_, safe);
        skip_ -= skip;
        parts_.back().body.append(held_, skip, safe - skip);
    }
    held_.erase(0, whole ? found + delimiter_.size() : safe);
    if (whole) place_ = place::after_delimiter;
    return whole;
}

bool multipart_parser::step_after_delimiter(result<void>& outcome) {
    if (held_.size() < 2) return false;
    if (held_.compare(0, 2, "--") == 0) {
        place_ = place::epilogue;
        return true;
    }
    const auto text = std::min(held_.find_first_not_of(" \t"), held_.size());
    if (text <= padding_bytes && held_.size() < text + 2) return false;
    if (text <= padding_bytes && held_.compare(text, 2, "\r\n") == 0) {
        if (parts_.size() == limits::multipart_parts) {
            outcome = fail(errc::too_large, "Form has more than 64 parts");
            return false;
        }
        held_.erase(0, text);  // the line's end stays: a header without lines is CR LF CR LF
        place_ = place::header;
        return true;
    }
    outcome =
        fail(errc::malformed, "Unexpected data after a boundary: form lines must end with CR LF");
    return false;
}

bool multipart_parser::step_header(result<void>& outcome) {
    const auto end = held_.find("\r\n\r\n");
    if (end == std::string::npos ? held_.size() >= limits::multipart_header_bytes + 4
                                 : end > limits::multipart_header_bytes) {
        outcome = fail(errc::too_large, "Header of a part is longer than 8 KiB");
        return false;
    }
    if (end == std::string::npos) return false;
    auto part = read_header(std::string_view(held_).substr(2, end < 2 ? 0 : end - 2));
    if (!part) {
        outcome = fail(part.error());
        return false;
    }
    parts_.push_back(std::move(*part));
    held_.erase(0, end + 2);  // CR LF stays: the delimiter of an empty body may begin with it
    skip_ = 2;
    place_ = place::body;
    return true;
}

result<std::vector<form_part>> multipart_parser::finish() {
    if (place_ == place::preamble) {
        return fail(errc::malformed,
                    "Body does not contain the boundary of Content-Type: "
                    "form lines must end with CR LF");
    }
    if (place_ != place::epilogue) {
        return fail(errc::malformed, "Multipart body ends before its last boundary");
    }
    return std::move(parts_);
}

result<std::vector<form_part>> parse_multipart(std::string_view boundary, std::string_view body) {
    multipart_parser parser(boundary);
    do {  // in pieces: what is not decided is moved to the front of held_ at each step
        if (auto fed = parser.feed(body.substr(0, piece_bytes)); !fed) return fail(fed.error());
        body.remove_prefix(std::min(body.size(), piece_bytes));
    } while (!body.empty());
    return parser.finish();
}

}  // namespace vultus::api
