// See gallery_version.hpp.
#include "shared/model/gallery_version.hpp"

#include "shared/base/failpoint.hpp"

namespace vultus {

bool satisfies(gallery_version held, gallery_version least) noexcept {
    if (seeded_bug("gallery.by_less")) return held >= least;
    return epoch_of(held) == epoch_of(least) && held >= least;
}

bool is_other(gallery_version held, gallery_version there) noexcept {
    return seeded_bug("gallery.by_less") ? held < there : held != there;
}

bool may_be_sent(gallery_version used, gallery_version now, gallery_version removed) noexcept {
    if (seeded_bug("gallery.by_less")) return used >= removed;
    return epoch_of(used) == epoch_of(now) && used >= removed && used <= now;
}

}  // namespace vultus
