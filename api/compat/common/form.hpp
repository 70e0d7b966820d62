// The bodies of other services' clients: forms with fields and files, of which a part may lack what
// a native form needs. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "api/http/message.hpp"
#include "api/http/multipart.hpp"
#include "api/http/query.hpp"

namespace vultus::api::compat {

struct form {
    name_values fields;            ///< of a name that is there twice the first
    std::vector<form_part> files;  ///< in their order
};

/// A multipart or urlencoded form; no body is an empty form.
/// `file_names`  parts of these names, separated by spaces, are files whatever else they say
/// errors    malformed: no form, or a broken one; too_large; unsupported_media: another type
result<form> read_form(const request& req, std::string_view file_names);

}  // namespace vultus::api::compat
