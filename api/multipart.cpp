// See multipart.hpp. The parser keeps what it has not decided in held_; the text before the first
// delimiter gets a CR LF in front, so that the first delimiter looks like the others.
#include "api/multipart.hpp"

#include <algorithm>

#include "api/fields.hpp"
#include "api/routes.hpp"
#include "shared/job.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t padding_bytes = 64;  // spaces after a boundary: RFC 2046 allows, nobody sends

bool is_boundary(std::string_view text) noexcept {
    if (text.empty() || text.size() > limits::multipart_boundary_bytes) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }) &&
           text.back() != ' ';
}

/// The next `name=value` of a Content-Disposition. In a quoted value only \" and \\ are escapes:
/// old browsers send Windows paths with bare backslashes.
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
    if (i >= rest.size()) return false;
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

/// RFC 8187: UTF-8''percent-encoded.
result<std::string> extended_value(std::string_view value) {
    const auto first = value.find('\'');
    const auto second = first == std::string_view::npos ? first : value.find('\'', first + 1);
    if (second == std::string_view::npos || !same_text(value.substr(0, first), "utf-8")) {
        return fail(errc::malformed, "a part's extended parameter is not UTF-8");
    }
    return percent_decode(value.substr(second + 1), false);
}

result<void> read_disposition(std::string_view value, form_part& part, bool& named) {
    const auto kind = trimmed(value.substr(0, value.find(';')));
    if (!same_text(kind, "form-data")) {
        return fail(errc::malformed, "a part's Content-Disposition is not form-data");
    }
    value.remove_prefix(std::min(value.size(), value.find(';')));
    std::string name;
    std::string text;
    bool extended = false;
    while (take_parameter(value, name, text)) {
        if (same_text(name, "name")) {
            part.name = form_unescaped(text);
            named = true;
        } else if (same_text(name, "filename") && !extended) {
            part.filename = form_unescaped(text);
            part.has_filename = true;
        } else if (same_text(name, "filename*") || same_text(name, "name*")) {
            auto decoded = extended_value(text);
            if (!decoded) return fail(decoded.error());
            const bool file = same_text(name, "filename*");
            (file ? part.filename : part.name) = std::move(*decoded);
            (file ? part.has_filename : named) = true;
            extended = extended || file;
        }
    }
    if (value.find_first_not_of(" \t;") != std::string_view::npos) {
        return fail(errc::malformed, "a part's Content-Disposition cannot be read");
    }
    return {};
}

result<void> read_line(std::string_view line, form_part& part, bool& named) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line.front() == ' ' ||
        line.front() == '\t') {
        return fail(errc::malformed, "a part has a header line that cannot be read");
    }
    const auto name = trimmed(line.substr(0, colon));
    const auto value = trimmed(line.substr(colon + 1));
    if (same_text(name, "content-disposition")) {
        if (named) return fail(errc::malformed, "a part has two Content-Dispositions");
        return read_disposition(value, part, named);
    }
    if (same_text(name, "content-type")) {
        part.content_type = parse_media_type(value).type;
        if (part.content_type.substr(0, 10) == "multipart/") {
            return fail(errc::malformed, "a part is multipart itself");
        }
    }
    if (same_text(name, "content-transfer-encoding") && !same_text(value, "binary") &&
        !same_text(value, "8bit") && !same_text(value, "7bit")) {
        return fail(errc::malformed, "a part has a transfer encoding");
    }
    return {};
}

result<form_part> read_header(std::string_view text) {
    form_part part;
    bool named = false;
    while (!text.empty()) {
        const auto end = text.find("\r\n");
        const auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 2);
        if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
            return fail(errc::malformed, "a part has a header line that cannot be read");
        }
        if (auto good = read_line(line, part, named); !good) return fail(good.error());
    }
    if (!named) return fail(errc::malformed, "a part has no name");
    if (!is_utf8(part.name) || !is_utf8(part.filename)) {
        return fail(errc::malformed, "a part's name is not UTF-8");
    }
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
    if (place_ == place::broken) return fail(errc::malformed, "the multipart boundary is missing");
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
            outcome = fail(errc::too_large, "the form has more than 64 parts");
            return false;
        }
        held_.erase(0, text);  // the line's end stays: a header without lines is CR LF CR LF
        place_ = place::header;
        return true;
    }
    outcome = fail(errc::malformed, "a boundary is followed by something else");
    return false;
}

bool multipart_parser::step_header(result<void>& outcome) {
    const auto end = held_.find("\r\n\r\n");
    if (end == std::string::npos ? held_.size() >= limits::multipart_header_bytes + 4
                                 : end > limits::multipart_header_bytes) {
        outcome = fail(errc::too_large, "a part's header is longer than 8 KiB");
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
    if (place_ != place::epilogue) {
        return fail(errc::malformed, "the multipart body ends before its last boundary");
    }
    return std::move(parts_);
}

result<std::vector<form_part>> parse_multipart(std::string_view boundary, std::string_view body) {
    multipart_parser parser(boundary);
    if (auto fed = parser.feed(body); !fed) return fail(fed.error());
    return parser.finish();
}

}  // namespace vultus::api
