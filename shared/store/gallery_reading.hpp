// Reads the change log of a gallery together with the vectors that it names, which are in another
// key.
#pragma once

#include "shared/store/gallery_reader.hpp"
#include "shared/store/redis_blocking.hpp"

namespace vultus {

/// delta() with the vectors of its additions. Skip an addition without a vector: its face was
/// removed in the meantime. Call again from `reached` while `more`.
/// threads   blocks, at most the times of the client for each of its two calls
result<gallery_delta> read_delta(redis_blocking& redis, const gallery_reader& galleries,
                                 std::string_view collection, gallery_version from);

}  // namespace vultus
