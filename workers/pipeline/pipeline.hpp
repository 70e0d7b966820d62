// The work of a worker: stages connected by bounded queues.
//
//   take -> fetch -> vision (V threads) -> compute (embeds batches over jobs) -> match -> commit
//     \---------------^ frames                                     annotate ------^
//                                                              calibrate -----^
//                 \-------------------------------------------- reembed (its own Redis calls)
//
// What is asked for ends early: a detect after vision, an embed and a verify of two photos after
// compute. Given vectors go from fetch to match, or to commit if they are taught.
//
// A train goes from compute to commit; with a quality gate it goes through match, which compares it
// with the people of the gallery. That comparison is advice and not fenced: a change of the gallery
// between it and the commit does not repeat it.
//
// Frames have a queue of their own before vision and compute, so that a bulk import does not delay
// a camera. Every queue except the one before vision has room for everything that the session may
// hand in, so no stage waits for a later one and no two stages can block each other; the credits of
// the broker limit the whole. Photos are large, so only a few are fetched ahead of the vision
// threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "shared/base/bounded_queue.hpp"
#include "shared/config/settings.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/calibration/vision_models.hpp"
#include "workers/engine/detector.hpp"
#include "workers/pipeline/batch.hpp"
#include "workers/pipeline/committer.hpp"
#include "workers/pipeline/gallery_store.hpp"
#include "workers/pipeline/match_stage.hpp"
#include "workers/pipeline/progress.hpp"
#include "workers/pipeline/two_class_queue.hpp"
#include "workers/pipeline/work.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {

struct pipeline_settings {
    redis_address redis;
    gallery_store_settings galleries;
    int vision_threads = 1;
    int compute_threads = 1;
    std::size_t batch_max = 32;
    std::chrono::milliseconds batch_wait{0};
    int detect_side_max = 2'000;
    bool keep_pictures = false;   ///< of trained faces
    std::string decoder;          ///< path of vultus-decoder; empty: decode in this process
    std::size_t live_weight = 4;  ///< frames in a row, then one waiting job
    match_options matching;       ///< except distance_max, which the models' threshold gives
    int match_threads = 1;
    std::string embedder;    ///< where the service tells no default: worker.embedding of dlib's
    std::size_t room = 128;  ///< jobs and frames that the session may hand in
};

/// The pipeline's part of a worker's settings, for the device that runs its networks.
pipeline_settings pipeline_part(const worker_settings& all, bool on_gpu, std::size_t room);

class pipeline final : public work_sink {
 public:
    pipeline(pipeline_settings settings, const store_context& context, vision_models models,
             mailbox<session_mail>& session, progress& stages);
    /// Drops the work in progress. requires the session has ended
    ~pipeline() override;

    bool take(job_ticket job) override;
    bool take(frame_ticket frame) override;
    void registered(const std::string& worker_id, const model_choice& defaults) override;
    void fenced() override;
    void news(const std::string& collection, gallery_version version) override;

    /// The work done so far, without GPU memory.
    /// threads   any
    protocol::worker_load load() const;

 private:
    struct counts {
        std::atomic<std::uint64_t> batches{0}, faces{0}, photos{0}, decoders_lost{0};
    };

    using match_letter = std::variant<work_ptr, gallery_update>;

    void fetch_loop(progress::slot& slot);
    void vision_loop(progress::slot& slot, detector_set detectors, bool kept_for_live);
    bool is_live() const;
    void compute_loop(progress::slot& slot, const embedder_set& networks);
    void match_loop(progress::slot& slot);
    void annotate_loop(progress::slot& slot);
    void calibrate_loop(progress::slot& slot);
    void reembed_loop(progress::slot& slot, const store_context& context);

    result<void> fetch(redis_blocking& redis, work& item);
    result<void> unpack(work& item);
    void seen(work_ptr item);
    void take_vectors(work_ptr item);
    void after_compute(const work_ptr& item);
    std::size_t pass_size(double ms_a_chip) const;
    void embedded(const work_ptr& item, std::vector<embedding> vectors, const embedder& network);
    void choose_models(work& item, std::string_view detector, std::string_view embedder) const;
    void other_model_found(const work_ptr& item);
    void matched(const work_ptr& item);
    void finish(const work_ptr& item);
    void commit_recognize(const work_ptr& item, std::string annotated);
    void commit_result(const work_ptr& item, std::string text, std::string annotated);
    void commit_train(const work_ptr& item);
    void give_up(const work_ptr& item, const error& why);
    void answer(const work& item, const error* why);
    void start_thread(std::function<void()> body);

    const pipeline_settings settings_;
    const worker_store store_;
    const vision_models models_;
    mailbox<session_mail>& session_;

    std::atomic<std::uint64_t> registration_{0};
    /// The service's defaults, as indices of the names below.
    std::atomic<std::size_t> detector_default_{0}, embedder_default_{0};
    const std::vector<std::string> detectors_, embedders_;
    std::atomic<boot_time::rep> live_at_{0};  ///< when the last live frame came
    counts done_;
    bounded_queue<work_ptr> to_fetch_, to_annotate_, to_calibrate_, to_reembed_;
    two_class_queue<work_ptr> to_see_, to_embed_;
    bounded_queue<match_letter> to_match_;
    committer commits_;
    gallery_store galleries_;
    std::vector<std::thread> threads_;
};

}  // namespace vultus
