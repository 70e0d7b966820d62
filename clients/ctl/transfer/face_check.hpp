// Whether workers would accept a face of an export: an intact file can contain faces that no worker
// made. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "shared/base/result.hpp"
#include "shared/store/gallery_admin.hpp"

namespace vultus::ctl {

/// "<network>/<kind>", as reported by workers.
/// errors    malformed
result<void> check_model(std::string_view embedding_model);

/// The vector has that many floats, all finite, and length 1 where the model requires it; the text
/// is a JSON object with the face's label.
/// requires  check_model(embedding_model) is good
/// errors    malformed
result<void> check_face(const exported_face& face, std::string_view embedding_model,
                        std::size_t dimension);

}  // namespace vultus::ctl
