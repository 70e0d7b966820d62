// The part of worker_link that uses Redis: registration, leases and the fence.
#include <unistd.h>

#include <utility>

#include "shared/base/ids.hpp"
#include "shared/base/log.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/store/store_setup.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/session/worker_link.hpp"

namespace vultus {
namespace {

constexpr std::chrono::milliseconds try_again{250};
constexpr int starts_together = 2;  ///< refusals, then one by one to find the faulty job
constexpr int starts_max = 6;       ///< refusals of one job alone, then its attempt fails

}  // namespace

void worker_link::tend_registration(boot_time now) {
    const bool moving = stuck_since_ == boot_time{0};
    if (phase_ == phase::outside && now >= register_at_ && moving && !draining_) {
        begin_registration();
    }
    if (phase_ != phase::serving && phase_ != phase::closing) return;
    if (now >= fence_at_) return fence("no renewal before the deadline", now);
    if (now < renew_at_ || renewing_) return;
    if (moving) return renew_leases(now);
    if (!late_logged_) log::error("stage_is_late", {{"worker", worker_id_}});
    late_logged_ = true;
}

// Another Redis may answer after a restart: its settings and its function library are checked
// before each registration.
void worker_link::begin_registration() {
    phase_ = phase::registering;
    const std::uint64_t generation = ++generation_;
    prepare_store(redis_, store_context_, [this, generation](result<void> ready) {
        if (generation != generation_ || phase_ != phase::registering) return;
        if (ready) return send_registration();
        registration_failed(ready.error());
    });
}

void worker_link::registration_failed(const error& why) {
    log::warning("register_failed", {{"error", name_of(why.code)}, {"detail", why.detail}});
    phase_ = phase::outside;
    register_at_ = boot_now() + try_again;
}

void worker_link::send_registration() {
    worker_id_ = new_worker_id(settings_.host, ::getpid(), settings_.device);
    connection_ = 0;
    if (!forsaken_.empty()) {
        // The jobs of the old id are leased to others now and not when their leases lapse.
        redis_.send<void>(store_.bye(forsaken_), [this, left = forsaken_](result<void> said) {
            if (said && forsaken_ == left) forsaken_.clear();
        });
    }
    registration wanted;
    wanted.worker_id = worker_id_;
    wanted.connection = "0";
    wanted.host = settings_.host;
    wanted.device = settings_.device;
    wanted.build = settings_.build;
    wanted.pid = ::getpid();
    wanted.types = settings_.types;
    wanted.dimension = settings_.dimension;
    wanted.detectors = settings_.models.detectors;
    wanted.embedders = settings_.models.embedders;
    wanted.proposed = settings_.models.proposed;
    wanted.lasts = settings_.registration;
    redis_.send<registered_worker>(
        store_.register_worker(wanted),
        [this, generation = generation_, sent_at = boot_now()](result<registered_worker> said) {
            if (generation != generation_ || phase_ != phase::registering) return;
            if (!said) return registration_failed(said.error());
            phase_ = phase::serving;
            fence_at_ = sent_at + settings_.self_fence;
            renew_at_ = sent_at + settings_.renew;
            renewing_ = starting_ = late_logged_ = false;
            log::info("registered", {{"worker", worker_id_}});
            if (said->decided_them) {
                log::info("defaults_decided", {{"detector", said->defaults.detector},
                                               {"embedder", said->defaults.embedder}});
            }
            sink_.registered(worker_id_, said->defaults);
        });
}

void worker_link::renew_leases(boot_time now) {
    renewing_ = true;
    renew_at_ = now + settings_.renew;
    redis_.send<renewal>(store_.renew(worker_id_, jobs_.all(), settings_.registration,
                                      settings_.lease, std::to_string(connection_)),
                         [this, generation = generation_, now](result<renewal> said) {
                             if (generation != generation_) return;
                             renewing_ = false;
                             if (said) return renewed(*said, now);
                             log::warning("renew_failed", {{"error", name_of(said.error().code)}});
                             renew_at_ = boot_now() + try_again;
                         });
}

void worker_link::renewed(const renewal& said, boot_time sent_at) {
    if (phase_ != phase::serving && phase_ != phase::closing) return;
    if (!said.registered) return fence("renew: gone", boot_now());
    fence_at_ = sent_at + settings_.self_fence;
    late_logged_ = false;
    for (const attempt_id& id : said.lost) {
        log::warning("attempt_lost", {{"job", id.job_id}, {"attempt", id.attempt}});
        jobs_.drop(id);
    }
    for (const attempt_id& id : said.cancelled) cancel(id);
    for (const auto& [collection, version] : said.versions) {
        const auto held = galleries_.find(collection);
        const bool news = held == galleries_.end() || is_other(held->second, version);
        if (news) sink_.news(collection, version);
    }
    release_frames();
}

// Work in progress may have no effect any more, and no gallery may be used: the registration may
// have lapsed in Redis, and changes may have succeeded without this worker.
void worker_link::fence(const std::string& why, boot_time now) {
    log::warning("fenced", {{"worker", worker_id_}, {"why", why}, {"jobs", jobs_.size()}});
    ++generation_;
    jobs_.drop_all();
    for (auto& [key, frame] : frames_) frame.dropped->set();
    frames_.clear();
    parked_frames_.clear();
    galleries_.clear();
    sink_.fenced();
    for (broker_connection& link : links_) link.close("fenced");
    returning_ = 0;
    renewing_ = starting_ = false;
    phase_ = draining_ ? phase::closed : phase::outside;
    register_at_ = now;
    // A job that hangs a stage must count as lost, to run alone next time: no bye for this id.
    forsaken_ = stuck_since_ == boot_time{0} ? worker_id_ : "";
}

void worker_link::start_jobs(boot_time now) {
    if (phase_ != phase::serving || draining_ || starting_ || now < start_at_) return;
    const bool together = start_refused_ < starts_together;
    const std::vector<attempt_id> asked = jobs_.ask(together ? limits::jobs_per_message : 1);
    if (asked.empty()) return;
    starting_ = true;
    redis_.send<std::vector<attempt_id>>(
        store_.started(worker_id_, asked),
        [this, generation = generation_, asked](result<std::vector<attempt_id>> lost) {
            if (generation != generation_) return;
            starting_ = false;
            if (!lost) return start_failed(asked, lost.error());
            start_refused_ = 0;
            for (job_ticket& ticket : jobs_.start(*lost, worker_id_)) {
                const attempt_id id = ticket.id();
                if (sink_.take(std::move(ticket))) continue;
                jobs_.drop(id);
                hand_back(id);
            }
            start_jobs(boot_now());
        });
}

// The call failed. After starts_max unusable replies the attempt fails.
void worker_link::start_failed(const std::vector<attempt_id>& asked, const error& why) {
    log::warning("start_failed", {{"error", name_of(why.code)}, {"detail", why.detail}});
    jobs_.ask_again();
    start_at_ = boot_now() + try_again;
    if (why.code == errc::internal && ++start_refused_ >= starts_max) {
        start_refused_ = 0;
        for (const attempt_id& id : asked) {
            jobs_.drop(id);
            end(id, store_.fail_job(id, worker_id_, {why.code, "Job could not be started"}, {}));
        }
    }
    if (!draining_) return;
    for (const attempt_id& id : jobs_.take_waiting()) hand_back(id);
}

void worker_link::hand_back(const attempt_id& id) {
    end(id, store_.hand_back(id, worker_id_));
}

// If it fails, the lease lapses.
void worker_link::end(const attempt_id& id, redis_call<committed> call) {
    ++returning_;
    redis_.send<committed>(std::move(call),
                           [this, generation = generation_, id](result<committed> said) {
                               if (generation != generation_) return;
                               --returning_;
                               if (!said) {
                                   log::warning("hand_back_failed", {{"job", id.job_id}});
                               }
                           });
}

void worker_link::say_bye() {
    phase_ = phase::closing;
    redis_.send<void>(store_.bye(worker_id_), [this, generation = generation_](result<void> said) {
        if (generation != generation_) return;
        if (!said) log::warning("bye_failed", {{"error", name_of(said.error().code)}});
        phase_ = phase::closed;
        for (broker_connection& link : links_) link.close("drained");
    });
}

}  // namespace vultus
