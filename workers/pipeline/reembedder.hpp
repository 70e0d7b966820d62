// Gives a collection another embedding model: finds the faces in its kept pictures again, embeds
// and stages them, and exchanges the vectors (shared/store/reembed_store.hpp).
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shared/store/redis_blocking.hpp"
#include "shared/store/reembed_store.hpp"
#include "workers/engine/detector_set.hpp"
#include "workers/engine/embedder_set.hpp"
#include "workers/gallery/parallel_for.hpp"
#include "workers/pipeline/progress.hpp"
#include "workers/pipeline/work.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {

/// threads   one at a time; blocks for Redis
class reembedder {
 public:
    /// `threads`  how many look at pictures, each with its own clone of the detectors
    /// requires   threads >= 1. The aligner, which is shared, and `slot`, which belongs to this
    ///            thread, outlive it
    reembedder(redis_address redis, const store_context& context, const detector_set& detectors,
               const aligner& straightener, embedder_set embedders, int threads,
               progress::slot& slot);

    /// Carries out the job: until each face is staged, then the exchange.
    /// returns   how it ended: succeeded or publishing, with the version
    /// errors    stale: the attempt is over, or `item` was dropped; wrong_state: the collection was
    ///           cleared, has that model, another job changes it, or faces have no usable picture
    ///           and the options do not forget them; model_mismatch: no such embedder here
    result<committed> run(const work& item);

 private:
    struct picture_chips {
        std::vector<std::string> face_ids;
        std::vector<chip> chips;
        std::vector<std::string> without_face;
    };

    using face_vectors = std::vector<std::pair<std::string, std::string>>;  ///< by face_id

    template <class T>
    result<T> ask(const work& item, const redis_call<T>& call);
    result<void> stage_all(const work& item, const staging& of, embedder& network);
    static face_vectors vectors_of(embedder& network, picture_chips found);
    result<void> stage(const work& item, const staging& of, std::future<face_vectors>& embedded);
    result<std::vector<std::string>> left_out(const work& item, const staging& of);
    picture_chips chips_of(const std::vector<std::pair<std::string, std::string>>& pictures,
                           const chip_form& form);

    redis_blocking redis_;
    const reembed_store store_;
    std::vector<detector_set> detectors_;  ///< one a thread
    const aligner& aligner_;
    embedder_set embedders_;
    parallel_for threads_;
    progress::slot& slot_;
    std::vector<std::string> without_face_;  ///< pictures of this job in which no face was found
};

}  // namespace vultus
