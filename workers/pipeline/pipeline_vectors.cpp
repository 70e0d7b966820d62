// The pipeline for vectors that a client computed: instead of vision and compute.
#include <utility>

#include "shared/base/ids.hpp"
#include "workers/engine/embedding.hpp"
#include "workers/pipeline/pipeline.hpp"

namespace vultus {

/// The vectors of a job or frame in the place of what vision and compute would have made.
void pipeline::take_vectors(work_ptr item) {
    item->seen.without_photo = true;
    item->embedder_leased = false;  // they are of one model, so another lease helps nobody
    if (!item->options.model.empty()) item->embedder = item->options.model;
    item->seen.embedding_model = item->embedder;
    const std::string_view bytes = item->photos.front();
    const std::size_t count = static_cast<std::size_t>(item->options.vectors);
    const std::size_t each = bytes.size() / count;
    for (std::size_t i = 0; i < count; ++i) {
        auto vector = embedding_from(bytes.substr(i * each, each), each / sizeof(float));
        if (!vector || each * count != bytes.size()) {
            return give_up(item, error{errc::malformed, "These are no vectors of a model"});
        }
        item->seen.faces.push_back({{}, {}, std::move(*vector)});
        item->photo_of_face.push_back(i);
        if (item->type != job_type::train) continue;
        item->photo_hashes.push_back(sha256_hex(bytes.substr(i * each, each)));
        item->files.push_back({item->job()->job.job_id + "-" + std::to_string(i), {}, {}});
    }
    item->photos.clear();
    if (item->type == job_type::train) return commit_train(item);
    to_match_.push(std::move(item));
}

}  // namespace vultus
