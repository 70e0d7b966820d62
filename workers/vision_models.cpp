#include "workers/vision_models.hpp"

#include <utility>

#include "workers/engine/embedding_kind.hpp"
#include "workers/models.hpp"

namespace vultus {

result<vision_models> load_vision_models(const worker_settings& settings) {
    const auto kind = parse_embedding_kind(settings.embedding);
    if (!kind) return fail(kind.error());
    auto files = find_models(settings.models);
    if (!files) return fail(files.error());
    auto nets = load_networks(*files, settings.backend, settings.precision);
    if (!nets) return fail(nets.error());
    auto straightener = aligner::load(files->landmarks);
    if (!straightener) return fail(straightener.error());
    return vision_models{make_hog_detector(), std::move(nets->finder),
                         std::make_unique<const aligner>(std::move(*straightener)),
                         with_kind(std::move(nets->network), *kind), {}};
}

}  // namespace vultus
