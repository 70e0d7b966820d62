// The picture of a taught face that people may keep (worker.keep_pictures): the aligned face as the
// network sees it, made smaller. Pure.
#pragma once

#include <string>

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// The face as a JPEG of limits::picture_side x limits::picture_side pixels and at most
/// limits::picture_bytes: quality 85, lower only where that does not fit.
/// errors    internal, if the library refuses or nothing fits
/// source    85: 2 to 4 kB a face of LFW (docs/benchmarks.md); no visible loss at this size
result<std::string> face_picture(const chip& face);

}  // namespace vultus
