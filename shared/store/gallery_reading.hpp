// Reads the change log of a gallery together with the vectors that it names, which are in another
// key.
#pragma once

#include "shared/store/job_store.hpp"
#include "shared/store/redis_blocking.hpp"

namespace vultus {

/// delta() with the vectors of its additions filled in. An addition whose vector is empty was
/// removed meanwhile: skip it. Ask again from `reached` while `more`.
/// threads   blocks, at most the times of the client for each of its two calls
result<gallery_delta> read_delta(redis_blocking& redis, const job_store& store,
                                 std::string_view collection, gallery_version from);

}  // namespace vultus
