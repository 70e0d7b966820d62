// Embeddings as bytes and as a mean. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// What Redis has (4 bytes a float: float32, little-endian) as an embedding of that dimension, and
/// back.
/// errors    malformed if it is no dimension of a model, `bytes` has another length or a float is
///           not finite
result<embedding> embedding_from(std::string_view bytes, std::size_t dimension);
std::string bytes_of(const embedding&);

/// The mean of embeddings of one face.
/// requires  at least one; the same dimension
embedding mean(const std::vector<embedding>&);

}  // namespace vultus
