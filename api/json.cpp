// See json.hpp. The only file of the api with Boost.JSON.
#include "api/json.hpp"

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <charconv>
#include <cmath>

#include "shared/job.hpp"
#include "shared/limits.hpp"

namespace vultus::api {
namespace {

namespace json = boost::json;

json::parse_options strict() {
    json::parse_options options;
    options.max_depth = limits::json_depth;
    return options;
}

int base64_value(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
}

/// The bytes of the UTF-8 character at the front, 0 if it is not one.
std::size_t character_size(std::string_view text) noexcept {
    for (std::size_t size = 1; size <= 4 && size <= text.size(); ++size) {
        if (is_utf8(text.substr(0, size))) return size;
    }
    return 0;
}

}  // namespace

std::string json_quoted(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    const bool valid = is_utf8(text);
    while (!text.empty()) {
        const char c = text.front();
        const auto byte = static_cast<unsigned char>(c);
        std::size_t size = 1;
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += {digits[byte >> 4], digits[byte & 15]};
        } else if (byte < 0x80 || valid) {
            out.push_back(c);
        } else if ((size = character_size(text)) > 0) {
            out += text.substr(0, size);
        } else {
            size = 1;
            out += "\\ufffd";
        }
        text.remove_prefix(size);
    }
    out.push_back('"');
    return out;
}

std::string json_number(double value) {
    if (!std::isfinite(value)) return "null";
    std::array<char, 32> text{};
    const auto [end, bad] = std::to_chars(text.data(), text.data() + text.size(), value);
    return bad == std::errc{} ? std::string(text.data(), end) : "null";
}

json_object& json_object::add(std::string_view name, std::string_view text) {
    return raw(name, json_quoted(text));
}

json_object& json_object::add(std::string_view name, bool value) {
    return raw(name, value ? "true" : "false");
}

json_object& json_object::add(std::string_view name, double value) {
    return raw(name, json_number(value));
}

json_object& json_object::raw(std::string_view name, std::string_view json) {
    if (text_.size() > 1) text_.push_back(',');
    text_ += json_quoted(name);
    text_.push_back(':');
    text_ += json;
    return *this;
}

std::string json_object::take() {
    text_.push_back('}');
    return std::move(text_);
}

json_array& json_array::raw(std::string_view json) {
    if (text_.size() > 1) text_.push_back(',');
    text_ += json;
    return *this;
}

std::string json_array::take() {
    text_.push_back(']');
    return std::move(text_);
}

std::vector<std::string> known_labels(std::string_view result) {
    std::vector<std::string> labels;
    boost::system::error_code bad;
    const auto parsed =
        json::parse(json::string_view(result.data(), result.size()), bad, {}, strict());
    const auto* object = bad ? nullptr : parsed.if_object();
    const auto* faces = object == nullptr ? nullptr : object->if_contains("faces");
    if (faces == nullptr || !faces->is_array()) return labels;
    for (const auto& one : faces->get_array()) {
        const auto* face = one.if_object();
        const auto* status = face == nullptr ? nullptr : face->if_contains("status");
        const auto* label = face == nullptr ? nullptr : face->if_contains("label");
        if (status == nullptr || label == nullptr || !label->is_string()) continue;
        if (!status->is_string() || status->get_string() != "known") continue;
        labels.emplace_back(label->get_string().data(), label->get_string().size());
    }
    return labels;
}

bool is_json(std::string_view text) {
    boost::system::error_code bad;
    json::parse(json::string_view(text.data(), text.size()), bad, {}, strict());
    return !bad;
}

std::string trained_face_json(std::string_view face_id, std::string_view stored, bool picture) {
    boost::system::error_code bad;
    auto parsed = json::parse(json::string_view(stored.data(), stored.size()), bad, {}, strict());
    auto* object = bad ? nullptr : parsed.if_object();
    json_object text;
    text.add("face_id", face_id).add("picture", picture);
    if (object == nullptr) return text.take();
    for (const auto& member : *object) {
        if (member.key() == "label") continue;
        const auto& value = member.value();
        text.raw({member.key().data(), member.key().size()},
                 value.is_double() ? json_number(value.get_double()) : json::serialize(value));
    }
    return text.take();
}

result<std::string> base64_decode(std::string_view text) {
    const auto wrong = [] { return fail(errc::malformed, "image is not base64 with padding"); };
    if (text.size() % 4 != 0) return wrong();
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        const bool one = last && text[i + 3] == '=';
        const bool two = one && text[i + 2] == '=';
        const int a = base64_value(text[i]);
        const int b = base64_value(text[i + 1]);
        const int c = two ? 0 : base64_value(text[i + 2]);
        const int d = one ? 0 : base64_value(text[i + 3]);
        if (a < 0 || b < 0 || c < 0 || d < 0) return wrong();
        const int bits = a << 18 | b << 12 | c << 6 | d;
        out.push_back(static_cast<char>(bits >> 16 & 255));
        if (!two) out.push_back(static_cast<char>(bits >> 8 & 255));
        if (!one) out.push_back(static_cast<char>(bits & 255));
    }
    return out;
}

result<json_submission> parse_json_submission(std::string_view body) {
    boost::system::error_code bad;
    const auto parsed = json::parse(json::string_view(body.data(), body.size()), bad, {}, strict());
    if (bad) return fail(errc::malformed, "the body is not JSON, or is nested too deeply");
    const auto* object = parsed.if_object();
    if (object == nullptr) return fail(errc::malformed, "the body is not a JSON object");
    json_submission read;
    for (const auto& member : *object) {
        const std::string name(member.key().data(), member.key().size());
        const auto& value = member.value();
        if (name == "image") {
            const auto* text = value.if_string();
            if (text == nullptr) return fail(errc::malformed, "image is not a base64 string");
            auto image = base64_decode({text->data(), text->size()});
            if (!image) return fail(image.error());
            if (image->size() > limits::body_bytes) {
                return fail(errc::too_large, "the photo is larger than 10 MiB");
            }
            read.image = std::move(*image);
            read.has_image = true;
        } else if (const auto* text = value.if_string()) {
            read.fields.emplace(name, std::string(text->data(), text->size()));
        } else if (value.is_number() || value.is_bool()) {
            // Through our own writer: Boost.JSON prints 0.6 as 6E-1.
            read.fields.emplace(
                name, value.is_double() ? json_number(value.get_double()) : json::serialize(value));
        } else {
            return fail(errc::malformed, "a member of the JSON object is not a plain value");
        }
    }
    return read;
}

}  // namespace vultus::api
