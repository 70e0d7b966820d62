// See base64.hpp.
#include "api/http/base64.hpp"

#include <algorithm>

#include "api/http/query.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

constexpr std::string_view scheme = "data:";
constexpr std::size_t prefix_bytes = 256;  ///< "data:image/jpeg;name=...;base64,"
constexpr unsigned blank = 64, pad = 65, other = 255;

constexpr std::array<unsigned char, 256> make_values() {
    std::array<unsigned char, 256> values{};
    values.fill(static_cast<unsigned char>(other));
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < digits.size(); ++i) {
        values[static_cast<unsigned char>(digits[i])] = static_cast<unsigned char>(i);
    }
    values['-'] = 62;
    values['_'] = 63;
    for (const char c : {' ', '\t', '\r', '\n'}) values[static_cast<unsigned char>(c)] = blank;
    values['='] = pad;
    return values;
}
constexpr auto values = make_values();

unsigned value_of(char c) noexcept {
    return values[static_cast<unsigned char>(c)];
}

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string size_text(std::size_t bytes) {
    return bytes >= limits::mib ? std::to_string(bytes / limits::mib) + " MiB"
                                : std::to_string(bytes) + " bytes";
}

bool starts_like_scheme(std::string_view head) noexcept {
    const auto size = std::min(head.size(), scheme.size());
    for (std::size_t i = 0; i < size; ++i) {
        if (lower(head[i]) != scheme[i]) return false;
    }
    return true;
}

}  // namespace

result<void> base64_decoder::broken(errc code, std::string why) {
    place_ = place::broken;
    out_ = {};
    return fail(code, std::move(why));
}

/// Consumes what may be the prefix of a `data:` URI, up to the first digit.
result<void> base64_decoder::take_start(std::string_view& text) {
    while (place_ == place::start && !text.empty()) {
        if (head_.empty() && value_of(text.front()) == blank) {
            text.remove_prefix(1);
            continue;
        }
        head_.push_back(text.front());
        text.remove_prefix(1);
        if (!starts_like_scheme(head_)) {
            place_ = place::digits;
            return take_digits(head_);
        }
        if (head_.size() == scheme.size()) place_ = place::prefix;
    }
    while (place_ == place::prefix && !text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == ',') {
            constexpr std::string_view wanted = ";base64";
            std::string end = head_.substr(head_.size() - std::min(head_.size(), wanted.size()));
            std::transform(end.begin(), end.end(), end.begin(), lower);
            if (end != wanted) {
                return broken(errc::malformed, "data: URI is not base64");
            }
            place_ = place::digits;
        } else if (head_.size() == prefix_bytes) {
            return broken(errc::malformed, "data: URI has no comma before its data");
        } else {
            head_.push_back(c);
        }
    }
    return {};
}

result<void> base64_decoder::take_one(char c) {
    const unsigned value = value_of(c);
    if (value == blank) return {};
    if (value == pad) {
        place_ = place::padding;
        ++padding_;
        return {};
    }
    if (value == other) {
        return broken(errc::malformed, "not base64: " + in_quotes({&c, 1}) + " is not allowed");
    }
    if (place_ == place::padding) {
        return broken(errc::malformed, "not base64: data follows the padding");
    }
    held_[digits_++] = value;
    if (digits_ < 4) return {};
    digits_ = 0;
    const unsigned bits = held_[0] << 18U | held_[1] << 12U | held_[2] << 6U | held_[3];
    out_.push_back(static_cast<char>(bits >> 16U & 255U));
    out_.push_back(static_cast<char>(bits >> 8U & 255U));
    out_.push_back(static_cast<char>(bits & 255U));
    return {};
}

/// The fast path: decodes the groups of four digits at the front of `text`.
std::size_t base64_decoder::take_groups(std::string_view text) {
    std::array<char, 3 * 256> bytes{};
    std::size_t at = 0;
    for (bool good = true; good && at + 4 <= text.size();) {
        std::size_t size = 0;
        for (; size < bytes.size() && at + 4 <= text.size(); at += 4) {
            const unsigned a = value_of(text[at]), b = value_of(text[at + 1]);
            const unsigned c = value_of(text[at + 2]), d = value_of(text[at + 3]);
            good = (a | b | c | d) < blank;
            if (!good) break;
            const unsigned bits = a << 18U | b << 12U | c << 6U | d;
            bytes[size++] = static_cast<char>(bits >> 16U & 255U);
            bytes[size++] = static_cast<char>(bits >> 8U & 255U);
            bytes[size++] = static_cast<char>(bits & 255U);
        }
        out_.append(bytes.data(), size);
    }
    return at;
}

result<void> base64_decoder::take_digits(std::string_view text) {
    while (!text.empty()) {
        if (digits_ == 0 && place_ == place::digits) text.remove_prefix(take_groups(text));
        // One character at a time to the end of a group; then the fast path again.
        while (!text.empty()) {
            const char c = text.front();
            text.remove_prefix(1);
            if (auto good = take_one(c); !good) return good;
            if (digits_ == 0 && value_of(c) < blank) break;
        }
        if (out_.size() > bytes_max_) return too_large();
    }
    return {};
}

result<void> base64_decoder::too_large() {
    return broken(errc::too_large, "larger than " + size_text(bytes_max_));
}

result<void> base64_decoder::feed(std::string_view text) {
    if (place_ == place::broken) return fail(errc::malformed, "not base64");
    if (place_ == place::start || place_ == place::prefix) {
        if (auto good = take_start(text); !good) return good;
    }
    return text.empty() ? result<void>() : take_digits(text);
}

result<std::string> base64_decoder::finish() {
    if (place_ == place::start && !head_.empty()) {  // a beginning of "data:"
        place_ = place::digits;
        if (auto good = take_digits(head_); !good) return fail(good.error());
    }
    if (place_ == place::broken) return fail(errc::malformed, "not base64");
    if (place_ == place::prefix) {
        return fail(errc::malformed, "data: URI has no comma before its data");
    }
    const bool padded = digits_ > 1 && padding_ == 4 - digits_;
    if (digits_ == 1 || (padding_ > 0 && !padded)) {
        return fail(errc::malformed, "not base64: truncated, or wrong padding");
    }
    if (digits_ > 1) out_.push_back(static_cast<char>((held_[0] << 2U | held_[1] >> 4U) & 255U));
    if (digits_ > 2) out_.push_back(static_cast<char>((held_[1] << 4U | held_[2] >> 2U) & 255U));
    if (out_.size() > bytes_max_) return fail(too_large().error());
    return std::move(out_);
}

result<std::string> base64_decode(std::string_view text, std::size_t bytes_max) {
    base64_decoder decoder(bytes_max);
    if (auto fed = decoder.feed(text); !fed) return fail(fed.error());
    return decoder.finish();
}

}  // namespace vultus::api
