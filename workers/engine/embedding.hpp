// Embeddings as bytes and as a mean. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// The 512 bytes of Redis (float32, little-endian) and back.
/// errors    malformed if `bytes` has another length or a float is not finite
result<embedding> embedding_from(std::string_view bytes);
std::string bytes_of(const embedding&);

/// The mean of embeddings of one face.
/// requires  at least one
embedding mean(const std::vector<embedding>&);

}  // namespace vultus
