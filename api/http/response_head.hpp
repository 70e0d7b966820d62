// The bytes of an answer: status line, header fields, chunks. Pure, except for the Date field.
#pragma once

#include <optional>
#include <string>

#include "api/http/message.hpp"

namespace vultus::api {

/// Status line and header fields with the empty line; control characters in values become spaces.
/// `length`   of the body; nothing for a chunked answer and for one without a body
std::string head_of(const response& answer, std::optional<std::size_t> length, bool chunked,
                    bool close);

/// The bytes as one chunk.
/// requires  not empty: an empty chunk would end the body
std::string chunk_of(std::string_view bytes);

constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace vultus::api
