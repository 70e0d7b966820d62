#include "clients/lfw/embedding_variants.hpp"

#include "workers/engine/embedding.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus::lfw {

bool needs_mirror(embedding_kind kind) noexcept {
    return kind == embedding_kind::mirror || kind == embedding_kind::mirror_unit;
}

embedding of_kind(embedding_kind kind, const raw_face& face) {
    const embedding vector = needs_mirror(kind) ? mean({face.chip, face.mirror}) : face.chip;
    const bool unit = kind == embedding_kind::unit || kind == embedding_kind::mirror_unit;
    return unit ? unit_length(vector) : vector;
}

}  // namespace vultus::lfw
