#include "workers/pipeline/pipeline.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "shared/base/failpoint.hpp"
#include "shared/base/log.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/gallery/known_faces.hpp"
#include "workers/pipeline/startup.hpp"
#include "workers/pipeline/vision_stage.hpp"

namespace vultus {
namespace {

constexpr int exit_broken = 70;
constexpr std::size_t fetched_ahead = 2;  ///< photos waiting for a vision thread
constexpr std::chrono::milliseconds tick{50}, idle_tick{1'000};
constexpr std::chrono::milliseconds live_for{1'000};  ///< passes stay short after a frame

// Both by the clock of Redis, which may have been set back between the two.
double milliseconds_waited(unix_time from, unix_time to) {
    return static_cast<double>(std::max(to - from, unix_time{0}).count());
}

/// The first one if there is no such name.
std::size_t index_of(const std::vector<std::string>& names, const std::string& name) {
    const auto found = std::ranges::find(names, name);
    return found == names.end() ? 0 : static_cast<std::size_t>(found - names.begin());
}

/// So many embed the faces that so many threads find on the same cores. A photo of one face costs
/// about twice as much to embed (3 ms) as to decode and detect (2 ms).
/// source    centerface and omz_0095 on photos of 250 px: 2 cores of an AMD EPYC with one replica
///           281 photos/s, with two 342
int replicas_of(int vision_threads) {
    return (2 * vision_threads + 2) / 3;
}

}  // namespace

pipeline_settings pipeline_part(const worker_settings& all, bool on_gpu, std::size_t room) {
    pipeline_settings part;
    part.redis = all.common.redis;
    part.galleries = {all.common.redis, all.collections_loaded_max, all.gallery_bytes_max};
    part.vision_threads = all.vision_threads > 0 ? all.vision_threads : usable_cores();
    part.compute_threads = all.compute_threads > 0 ? all.compute_threads
                           : on_gpu                ? 1
                                                   : replicas_of(part.vision_threads);
    part.batch_max = static_cast<std::size_t>(all.batch_max);
    part.batch_wait = std::chrono::milliseconds(all.batch_wait_ms);
    part.detect_side_max = all.detect_side_max;
    part.keep_pictures = all.keep_pictures;
    part.live_weight = static_cast<std::size_t>(all.live_weight);
    part.match_threads = all.match_threads;
    part.matching.margin_min = all.margin_min;
    part.matching.k = all.k;
    part.embedder = dlib_embedder(all.embedding);
    part.room = room;
    return part;
}

pipeline::pipeline(pipeline_settings settings, const store_context& context, vision_models models,
                   mailbox<session_mail>& session, progress& stages)
    : settings_(std::move(settings)),
      store_(context),
      models_(std::move(models)),
      session_(session),
      detectors_(models_.detectors.names()),
      embedders_(models_.embedders.names()),
      to_fetch_(settings_.room),
      to_annotate_(settings_.room),
      to_calibrate_(settings_.room),
      to_reembed_(settings_.room),
      to_see_(settings_.room, fetched_ahead, settings_.live_weight),
      to_embed_(settings_.room, settings_.room, settings_.live_weight),
      to_match_(settings_.room + settings_.galleries.collections_max * 2),
      commits_(settings_.redis, store_, session_, settings_.room),
      galleries_(settings_.galleries, context, session_,
                 [this](gallery_update news) { to_match_.push(std::move(news)); }) {
    progress::slot* slot = &stages.add();
    start_thread([this, slot] { fetch_loop(*slot); });
    for (int i = 0; i < settings_.vision_threads; ++i) {
        slot = &stages.add();
        // A thread's function must be copyable, so the clones are in a shared pointer.
        auto detectors = std::make_shared<detector_set>(models_.detectors.clone());
        const bool first_of_several = i == 0 && settings_.vision_threads > 1;
        start_thread([this, slot, detectors, first_of_several] {
            vision_loop(*slot, std::move(*detectors), first_of_several);
        });
    }
    for (int i = 0; i < settings_.compute_threads; ++i) {
        slot = &stages.add();
        auto networks = std::make_shared<embedder_set>(models_.embedders.clone());
        start_thread([this, slot, networks] { compute_loop(*slot, *networks); });
    }
    slot = &stages.add();
    start_thread([this, slot] { match_loop(*slot); });
    slot = &stages.add();
    start_thread([this, slot] { annotate_loop(*slot); });
    slot = &stages.add();
    start_thread([this, slot] { calibrate_loop(*slot); });
    slot = &stages.add();
    start_thread([this, slot, context] { reembed_loop(*slot, context); });
}

pipeline::~pipeline() {
    to_fetch_.close();
    to_see_.close();
    to_embed_.close();
    to_match_.close();
    to_annotate_.close();
    to_calibrate_.close();
    to_reembed_.close();
    for (std::thread& thread : threads_) thread.join();
}

// Exhausted memory is not an error of a job: the process ends and is started again.
void pipeline::start_thread(std::function<void()> body) {
    threads_.emplace_back([run = std::move(body)] {
        try {
            run();
        } catch (const std::bad_alloc&) {
            log::error("out_of_memory");
            std::_Exit(exit_broken);
        }
    });
}

// ---- the session's side ------------------------------------------------------------------------

bool pipeline::take(job_ticket job) {
    auto item = std::make_shared<work>();
    item->type = job.job.type;
    item->collection = job.job.collection;
    item->min_version = job.job.min_version;
    item->taken = boot_now();
    item->who = std::move(job);
    return to_fetch_.try_push(item);
}

bool pipeline::take(frame_ticket frame) {
    auto item = std::make_shared<work>();
    item->type = job_type_named(frame.frame.type).value_or(job_type::recognize);
    item->collection = frame.frame.collection;
    item->min_version = frame.frame.min_version;
    item->taken = boot_now();
    item->known = known_boxes(frame.frame.known);
    item->photos.push_back(std::move(frame.frame.image));  // the ticket keeps nothing of it
    item->who = std::move(frame);
    live_at_.store(item->taken.count(), std::memory_order_relaxed);
    return to_see_.try_push_live(item);
}

void pipeline::registered(const std::string& worker_id, const model_choice& defaults) {
    // An older function library tells none.
    detector_default_ = index_of(detectors_, defaults.detector.empty() ? "hog" : defaults.detector);
    embedder_default_ =
        index_of(embedders_, defaults.embedder.empty() ? settings_.embedder : defaults.embedder);
    galleries_.registered(worker_id, ++registration_);
}

void pipeline::fenced() {
    ++registration_;  // the match stage uses none of its galleries from now on
    galleries_.fenced();
}

void pipeline::news(const std::string& collection, gallery_version version) {
    galleries_.news(collection, version);
}

protocol::worker_load pipeline::load() const {
    protocol::worker_load done{done_.batches, done_.faces, done_.photos};
    done.decoders_lost = done_.decoders_lost;
    return done;
}

// ---- fetch -------------------------------------------------------------------------------------

void pipeline::fetch_loop(progress::slot& slot) {
    redis_blocking redis(settings_.redis);
    while (auto next = to_fetch_.pop()) {
        work_ptr item = std::move(*next);
        if (item->dropped()) continue;
        result<void> fetched;
        {
            const step moving(slot);
            fetched = fetch(redis, *item);
        }
        if (!fetched) {
            give_up(item, fetched.error());
        } else if (item->type == job_type::calibrate) {
            to_match_.push(std::move(item));
        } else if (item->type == job_type::reembed) {
            to_reembed_.push(std::move(item));
        } else if (item->options.vectors > 0) {
            take_vectors(std::move(item));
        } else {
            to_see_.push(std::move(item));
        }
    }
}

result<void> pipeline::fetch(redis_blocking& redis, work& item) {
    const job_ticket& ticket = *item.job();
    auto fetched = redis.call(store_.fetch(ticket.id(), ticket.worker_id));
    if (!fetched) return fail(fetched.error());
    item.type = fetched->job.type;  // an older broker does not know all types
    auto options = read_options(fetched->job.options);
    if (!options) return fail(options.error());
    item.options = std::move(*options);
    choose_models(item, fetched->job.detector, fetched->job.embedder);
    item.embedder_leased = !fetched->job.embedder.empty();
    item.label = fetched->job.label;
    item.failures = fetched->job.failures;
    item.keep_pictures = fetched->job.keep_pictures;
    item.stage_ms["queue"] = milliseconds_waited(fetched->job.created, fetched->job.started);
    if (item.type == job_type::calibrate || item.type == job_type::reembed) return {};
    if (fetched->photos.empty()) return fail(errc::no_image, "Photo no longer stored");
    item.photos = std::move(fetched->photos);
    return {};
}

/// The named ones; else the option of the job, else the service's defaults.
void pipeline::choose_models(work& item, std::string_view detector,
                             std::string_view embedder) const {
    item.detector = detector.empty() ? item.options.detector : std::string(detector);
    if (item.detector.empty()) item.detector = detectors_.at(detector_default_);
    if (embedder.empty() && item.type != job_type::reembed) embedder = item.options.embedder;
    item.embedder = embedder.empty() ? embedders_.at(embedder_default_) : std::string(embedder);
}

// ---- vision ------------------------------------------------------------------------------------

/// What fetch() does for a job.
result<void> pipeline::unpack(work& item) {
    if (item.frame() == nullptr) return {};
    if (boot_now() >= item.frame()->give_up) {
        return fail(errc::deadline_exceeded, "Frame waited past its deadline");
    }
    const std::string& type = item.frame()->frame.type;
    if (!type.empty() && type != vectors_word &&
        (!job_type_named(type) || !is_question(item.type))) {
        return fail(errc::bad_option, "This worker cannot answer " + type);
    }
    auto options = read_options(item.frame()->frame.options);
    if (!options) return fail(options.error());
    item.options = std::move(*options);
    item.label = item.options.label;
    if (const auto first = static_cast<std::size_t>(item.options.first_bytes); first > 0) {
        const shared_bytes both = item.photos.front();
        if (first >= both.size()) return fail(errc::bad_option, "first_bytes is out of range");
        item.photos = {both.part(both.view().substr(0, first)),
                       both.part(both.view().substr(first))};
    }
    choose_models(item, item.frame()->frame.detector, item.frame()->frame.embedder);
    item.options.annotate = false;  // the picture cannot be stored
    return {};
}

/// Whether a live frame arrived in the last second.
bool pipeline::is_live() const {
    return boot_now() < boot_time(live_at_.load(std::memory_order_relaxed)) + live_for;
}

void pipeline::vision_loop(progress::slot& slot, detector_set detectors, bool kept_for_live) {
    std::map<std::string, chip_form> forms;
    for (const embedder* one : models_.embedders.all()) {
        forms.emplace(one->name(), one->form());
    }
    vision_stage stage(std::move(detectors), *models_.landmarks, std::move(forms),
                       settings_.detect_side_max, settings_.keep_pictures, slot, settings_.decoder,
                       &done_.decoders_lost);
    while (true) {
        const bool only_live = kept_for_live && is_live() && !to_see_.closed();
        auto next = only_live ? to_see_.pop_live_for(tick) : to_see_.pop_for(idle_tick);
        if (!next && !only_live && to_see_.closed()) return;
        if (!next) {
            stage.tend();
            continue;
        }
        work_ptr item = std::move(*next);
        if (item->dropped()) continue;
        result<void> looked = unpack(*item);
        if (looked && item->options.vectors > 0) {
            take_vectors(std::move(item));
            continue;
        }
        const std::size_t photos = item->photos.size();
        if (looked) looked = stage.look(*item);
        done_.photos += photos;
        if (!looked) {
            give_up(item, looked.error());
        } else if (!item->dropped()) {
            seen(std::move(item));
        }
    }
}

void pipeline::seen(work_ptr item) {
    if (item->type == job_type::detect) return finish(item);
    item->seen.embedding_model = item->embedder;
    const auto embedder = models_.embedders.named(item->embedder);
    if (embedder) item->seen.dimension = (*embedder)->dimension();
    if (item->frame() == nullptr) {
        to_embed_.push(std::move(item));
    } else if (item->chips.empty()) {  // no face, or only known ones
        after_compute(item);
    } else if (!to_embed_.try_push_live(item)) {
        give_up(item, error{errc::queue_full, "Too many waiting frames"});
    }
}

// ---- match -------------------------------------------------------------------------------------

void pipeline::match_loop(progress::slot& slot) {
    parallel_for together(static_cast<std::size_t>(settings_.match_threads));
    match_stage stage(
        settings_.matching, models_.threshold, together, registration_,
        [this](const std::string& collection, gallery_version at_least, std::uint64_t question) {
            return galleries_.want(collection, at_least, question);
        });
    while (true) {
        auto letter = to_match_.pop_for(stage.waiting() ? tick : idle_tick);
        if (!letter && to_match_.closed()) return;
        const step moving(slot);
        const boot_time now = boot_now();
        if (letter) {
            if (auto* news = std::get_if<gallery_update>(&*letter)) {
                stage.update(std::move(*news));
            } else {
                work_ptr item = std::get<work_ptr>(std::move(*letter));
                if (!item->dropped() && stage.match(item, now)) matched(item);
                if (to_match_.size() > 0) continue;
            }
        }
        match_stage::woken woken = stage.wake(now);
        for (const work_ptr& item : woken.matched) matched(item);
        for (const work_ptr& item : woken.given_up) {
            give_up(item, error{errc::store_unavailable, "Gallery cannot be updated"});
        }
    }
}

void pipeline::matched(const work_ptr& item) {
    failpoint("worker.after_match");
    if (item->type == job_type::calibrate) {
        to_calibrate_.push(item);
        return;
    }
    if (other_model(item->seen)) return other_model_found(item);
    if (item->type == job_type::train) {
        refuse_lookalikes(*item);
        return commit_train(item);
    }
    finish(item);
}

/// Its faces were embedded, or need not be.
void pipeline::after_compute(const work_ptr& item) {
    if (reads_gallery(*item)) return (void)to_match_.push(item);
    if (item->type == job_type::verify) verify_photos(*item, models_.threshold);
    finish(item);
}

void pipeline::finish(const work_ptr& item) {
    if (item->frame()) return answer(*item, nullptr);
    if (item->options.annotate && !item->seen.without_photo) {
        to_annotate_.push(item);
    } else {
        commit_recognize(item, "");
    }
}

/// The gallery got another model between the lease and the match. A job goes back: its next lease
/// chooses again.
void pipeline::other_model_found(const work_ptr& item) {
    if (is_chosen_again(*item)) return commits_.submit(commits_.hand_back(*item->job()));
    give_up(item,
            error{errc::model_mismatch, "Collection was trained with " + item->seen.gallery_model});
}

}  // namespace vultus
