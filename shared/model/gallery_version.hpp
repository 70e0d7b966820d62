// How versions of one collection compare. The epoch identifies the gallery; only within one epoch
// the larger version is the newer one, and a deleted collection has version 0. So two versions are
// never compared by < alone. Pure.
#pragma once

#include "shared/model/job.hpp"

namespace vultus {

/// The number of the gallery, which is never used again, also not for the same name. 0: no gallery.
constexpr std::uint64_t epoch_of(gallery_version version) noexcept {
    return version / epoch_factor;
}

/// Whether a process with version `held` may serve a request for at least `least`: the same
/// gallery, and not older. If not, read the current version from Redis.
bool satisfies(gallery_version held, gallery_version least) noexcept;

/// Whether the version in Redis differs from the held one, larger or smaller.
bool is_other(gallery_version held, gallery_version there) noexcept;

/// Whether an answer computed with version `used` may still be sent: `now` is the collection's
/// version in Redis, `removed` the version of its last removal.
bool may_be_sent(gallery_version used, gallery_version now, gallery_version removed) noexcept;

}  // namespace vultus
