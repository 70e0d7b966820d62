// A decoder of base64 in pieces of any size: both alphabets of RFC 4648, with or without line
// breaks and padding, plain or in a `data:` URI. Of our own because libsodium takes one alphabet
// and the whole text, and needs 3.5 times as long for a photo. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus::api {

/// threads   one owner
class base64_decoder {
 public:
    /// `bytes_max`  limit of the decoded size
    /// `expected`   likely decoded size, reserved at once
    explicit base64_decoder(std::size_t bytes_max, std::size_t expected = 0)
        : bytes_max_(bytes_max) {
        out_.reserve(std::min(bytes_max, expected));
    }

    /// errors    malformed: a character that is not base64, data after the padding, or a `data:`
    ///           URI that is not base64; too_large. After an error every further call fails.
    result<void> feed(std::string_view text);

    /// The decoded bytes, after all input. errors malformed: truncated, or wrong padding
    result<std::string> finish();

 private:
    enum class place { start, prefix, digits, padding, broken };

    result<void> take_start(std::string_view& text);
    result<void> take_digits(std::string_view text);
    std::size_t take_groups(std::string_view text);
    result<void> take_one(char c);
    result<void> too_large();
    result<void> broken(errc code, std::string why);

    std::size_t bytes_max_;
    place place_ = place::start;
    std::string head_;  ///< the first characters, or the prefix of a `data:` URI
    std::string out_;
    std::array<unsigned, 4> held_{};  ///< digits of the incomplete group
    std::size_t digits_ = 0;          ///< in held_
    std::size_t padding_ = 0;
};

/// Decodes a whole text.
result<std::string> base64_decode(std::string_view text, std::size_t bytes_max);

}  // namespace vultus::api
