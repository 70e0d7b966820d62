// How versions of one collection compare. The epoch says which gallery a version is of, and only
// within one epoch the larger one is the newer one: a collection that was deleted has version 0. So
// nothing compares two versions by < alone. Pure.
#pragma once

#include "shared/model/job.hpp"

namespace vultus {

/// Which gallery of its name it is; no two ever had the same. 0: there is none.
constexpr std::uint64_t epoch_of(gallery_version version) noexcept {
    return version / epoch_factor;
}

/// Whether what holds `held` may answer somebody who asks for at least `least`: it is the same
/// gallery, and not older. If not, Redis knows what is there now.
bool satisfies(gallery_version held, gallery_version least) noexcept;

/// Whether Redis has another version than the one that is held, be it larger or smaller.
bool is_other(gallery_version held, gallery_version there) noexcept;

/// Whether an answer that was computed with `used` may still be given, when Redis says that the
/// collection is at `now` and its last removal made `removed`.
bool may_be_told(gallery_version used, gallery_version now, gallery_version removed) noexcept;

}  // namespace vultus
