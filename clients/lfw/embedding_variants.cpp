#include "clients/lfw/embedding_variants.hpp"

#include "shared/base/require.hpp"
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

std::optional<embedding_kind> dlib_kind(std::string_view embedder) {
    for (const embedding_kind kind : all_variants) {
        if (embedder == dlib_embedder(name_of(kind))) return kind;
    }
    return std::nullopt;
}

embedding of_embedder(std::string_view embedder, const raw_face& face) {
    if (const auto found = face.others.find(embedder); found != face.others.end()) {
        return found->second;
    }
    const auto kind = dlib_kind(embedder);
    VULTUS_REQUIRE(kind.has_value(), "an embedder that saw the face");
    return of_kind(*kind, face);
}

std::string shown_name(std::string_view embedder) {
    const auto kind = dlib_kind(embedder);
    return std::string(kind ? name_of(*kind) : embedder);
}

}  // namespace vultus::lfw
