// Immich's machine learning: faces with embeddings for its own search, mapped to a native embed;
// other tasks are handed on (docs/compat.md). It has no key: only listed addresses may call.
#pragma once

#include <string>

#include "api/handlers/handlers.hpp"

namespace vultus::api::compat::immich {

/// Answers a request of a row of this surface.
asio::awaitable<response> dispatch(request& req, services& ctx);

/// {"detail"}
response answer_to(const error& why, const request& req, int later);

/// An embedding as Immich stores it: 512 numbers, the missing ones 0, which changes no cosine.
/// requires  at most 512 numbers
std::vector<double> padded(std::vector<double> embedding);

}  // namespace vultus::api::compat::immich
