// multipart/form-data (RFC 7578) as browsers, curl and Python send it. Parts are views of the body:
// a photo in a form is not copied. Pure. No nesting, no transfer encodings, a limit on everything;
// the fuzz target is tests/fuzz/multipart_fuzz.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/result.hpp"
#include "shared/base/shared_bytes.hpp"

namespace vultus::api {

struct form_part {
    std::string name;      ///< bytes as they were sent; may not be UTF-8
    std::string filename;  ///< the same
    bool has_filename = false;
    std::string content_type;  ///< lower case, without parameters
    shared_bytes body;         ///< a view of the form, which it keeps
    bool operator==(const form_part&) const = default;
};

/// The parts of a form, in their order.
/// errors    malformed: the boundary is not 1 to limits::multipart_boundary_bytes printable
///           characters; not multipart, a part without a name, a nested or encoded part, no closing
///           boundary; too_large: more than limits::multipart_parts parts, or a header of a part
///           longer than limits::multipart_header_bytes
result<std::vector<form_part>> parse_multipart(std::string_view boundary, const shared_bytes& form);

}  // namespace vultus::api
