// multipart/form-data (RFC 7578) as browsers, curl and Python send it, fed in pieces of any size.
// Pure. No nesting, no transfer encodings, every dimension bounded; the fuzz target is
// tests/fuzz/multipart_fuzz.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/result.hpp"

namespace vultus::api {

struct form_part {
    std::string name;      ///< bytes as they came; may be no UTF-8
    std::string filename;  ///< the same
    bool has_filename = false;
    std::string content_type;  ///< lower case, without parameters
    std::string body;
    bool operator==(const form_part&) const = default;
};

/// threads   one owner
class multipart_parser {
 public:
    /// A boundary of 1 to limits::multipart_boundary_bytes printable characters; any other makes
    /// feed() fail.
    explicit multipart_parser(std::string_view boundary);

    /// errors    malformed: not multipart, a part without a name, a nested or encoded part;
    ///           too_large: more parts or longer part headers than the limits. After an error the
    ///           parser takes no more.
    result<void> feed(std::string_view bytes);

    /// The parts, once everything was fed. errors malformed: the closing boundary never came
    result<std::vector<form_part>> finish();

 private:
    enum class place { preamble, after_delimiter, header, body, epilogue, broken };

    bool step(result<void>& outcome);
    bool step_until_delimiter();
    bool step_after_delimiter(result<void>& outcome);
    bool step_header(result<void>& outcome);

    place place_ = place::preamble;
    std::string delimiter_;  ///< CR LF "--" boundary
    std::string held_;       ///< not decided yet
    std::size_t skip_ = 0;   ///< bytes at the front of a body that end its header
    std::vector<form_part> parts_;
};

/// The parts of a body that is there whole.
result<std::vector<form_part>> parse_multipart(std::string_view boundary, std::string_view body);

}  // namespace vultus::api
