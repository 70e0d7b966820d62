// The external model of Nextcloud's face recognition: boxes, landmarks and dlib's raw descriptors,
// mapped to a native embed by `hog` and dlib's network (docs/compat.md). It asks about photos only,
// so no collection is involved; a worker must have dlib's files.
#pragma once

#include <string>

#include "api/handlers/handlers.hpp"

namespace vultus::api::compat::nextcloud {

/// Answers a request of a row of this surface.
asio::awaitable<response> dispatch(request& req, services& ctx);

/// {"error"}
response answer_to(const error& why, const request& req, int later);

}  // namespace vultus::api::compat::nextcloud
