// Whether workers would take a face of an export: a file can be whole and have what no worker made.
// Pure.
#pragma once

#include <string_view>

#include "shared/base/result.hpp"
#include "shared/store/gallery_admin.hpp"

namespace vultus::ctl {

/// "<network>/<kind>", as workers name it.
/// errors    malformed
result<void> check_model(std::string_view embedding_model);

/// The vector is of finite numbers, and of length 1 where the model says so; the text is a JSON
/// object of the face's label.
/// requires  check_model(embedding_model) is good
/// errors    malformed
result<void> check_face(const exported_face& face, std::string_view embedding_model);

}  // namespace vultus::ctl
