#include "workers/session/worker_link.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/log.hpp"
#include "shared/base/require.hpp"
#include "shared/model/gallery_version.hpp"

namespace vultus {
namespace {

// The window is the limit; high-water marks are the last safeguard (PROTOCOL.md, "Credits").
zmq_options socket_options(const worker_link_settings& settings) {
    zmq_options options;
    options.high_water = static_cast<int>(2 * settings.window + 16);
    options.linger = std::chrono::milliseconds(500);
    options.count_losses = true;
    options.curve = settings.curve;
    return options;
}

std::uint64_t microseconds_of(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

protocol::answer refusal_of(const frame_ticket& ticket, errc why) {
    protocol::answer answer;
    answer.frame_id = ticket.frame.frame_id;
    answer.attempt = ticket.frame.attempt;
    answer.error = name_of(why);
    return answer;
}

}  // namespace

worker_link::worker_link(worker_link_settings settings, const store_context& context,
                         work_sink& sink, mailbox<session_mail>& mail, const progress& stages)
    : settings_(std::move(settings)),
      store_context_(context),
      store_(context),
      sink_(sink),
      mail_(mail),
      stages_(stages),
      redis_(settings_.redis, redis_timeouts{}) {
    VULTUS_REQUIRE(!settings_.brokers.empty(), "a worker has at least one broker");
    for (const std::string& endpoint : settings_.brokers) {
        links_.emplace_back(context_, endpoint, socket_options(settings_), settings_.heartbeat);
    }
}

worker_link::~worker_link() = default;

worker_link_end worker_link::run(stop_signal* stop) {
    while (phase_ != phase::closed) {
        const boot_time now = boot_now();
        if (stop != nullptr && !draining_ && stop->asked()) begin_drain("signal", now);
        if (!stages_.stuck(now))
            stuck_since_ = boot_time{0};
        else if (stuck_since_ == boot_time{0})
            stuck_since_ = now;
        if (stuck_since_ != boot_time{0} && now > stuck_since_ + settings_.lease) {
            log::error("stage_hangs", {{"worker", worker_id_}});
            return worker_link_end::stuck;
        }
        tend_registration(now);
        if (phase_ == phase::serving) {
            tend_links(now);
            start_jobs(now);
        }
        if (draining_) close_when_empty(now);
        if (phase_ != phase::closed) wait_and_read(stop);
    }
    return worker_link_end::drained;
}

std::chrono::milliseconds worker_link::patience(boot_time now) const {
    // A tick of 100 ms is enough for the fence, silence and drain. A socket does not report that
    // its connection is open, so READY is tried more often.
    const bool meeting =
        std::any_of(links_.begin(), links_.end(), [&](const broker_connection& link) {
            return link.is_open() && !link.introduced() &&
                   now < link.opened() + settings_.heartbeat;
        });
    std::chrono::milliseconds most(meeting ? 10 : 100);
    if (redis_.next_timer() < now + most) most = redis_.next_timer() - now;
    return std::max(most, std::chrono::milliseconds(0));
}

void worker_link::wait_and_read(stop_signal* stop) {
    std::vector<poll_item> items(3);
    items[0].fd = mail_.fd();
    items[1].fd = redis_.fd();
    items[1].want_read = redis_.wants_read();
    items[1].want_write = redis_.wants_write();
    items[2].fd = stop != nullptr ? stop->fd() : -1;
    const bool with_redis = redis_.fd() >= 0;
    std::erase_if(items, [](const poll_item& one) { return one.fd < 0; });
    for (const broker_connection& link : links_) {
        if (!link.is_open()) continue;
        poll_item item;
        item.socket = link.socket();
        items.push_back(item);
    }
    turns_.end();
    poll(items, patience(boot_now()));
    turns_.begin();
    if (stop != nullptr) stop->asked();  // a second signal ends the process here

    const boot_time now = boot_now();
    redis_.on_polled(with_redis && items[1].readable, with_redis && items[1].writable, now);
    mail_.quiet();
    read_mail(now);
    read_links(now);
}

// ---- brokers -----------------------------------------------------------------------------------

protocol::ready worker_link::introduction() const {
    protocol::ready ready;
    ready.worker_id = worker_id_;
    ready.host = settings_.host;
    ready.device = settings_.device;
    ready.build = settings_.build;
    ready.pid = static_cast<std::int64_t>(::getpid());
    ready.types = settings_.types;
    ready.window = settings_.window;
    ready.frame_window = settings_.frame_window;
    ready.running = jobs_.all();
    ready.galleries = galleries_;
    ready.gpu = settings_.gpu;
    ready.detectors = settings_.models.detectors;
    ready.embedders = names_of(settings_.models.embedders);
    return ready;
}

protocol::worker_heartbeat worker_link::heartbeat_of(const broker_connection& link,
                                                     std::size_t index) const {
    protocol::worker_heartbeat beat;
    beat.last_n = link.last_n;
    beat.running = jobs_.all();
    beat.progress = stages_.steps();
    if (settings_.load) beat.load = settings_.load();
    beat.load.turn_cpu_us = microseconds_of(turns_.longest_cpu());
    beat.load.turn_wall_us = microseconds_of(turns_.longest_wall());
    for (const auto& [key, frame] : frames_) {
        if (key.first == index) beat.frames.push_back(key.second);
    }
    return beat;
}

// All sockets carry one number: Redis records the newest connection of a worker and refuses older
// ones, so two brokers with different numbers would displace each other.
void worker_link::reopen_links(boot_time now) {
    ++connection_;
    reopened_ = now;
    for (broker_connection& link : links_) {
        link.close("new connection");
        if (auto opened = link.open(worker_id_, connection_, now); !opened) {
            log::error("broker_endpoint_refused",
                       {{"endpoint", link.endpoint()}, {"error", name_of(opened.error().code)}});
        }
    }
    for (auto& [key, frame] : frames_) frame.dropped->set();  // their connection is closed
    frames_.clear();
    parked_frames_.clear();
    renew_at_ = now;  // tells Redis the new number
}

void worker_link::tend_links(boot_time now) {
    const bool replace = std::any_of(links_.begin(), links_.end(), [&](broker_connection& link) {
        return !link.is_open() || link.lost(now);
    });
    // The first sockets at once; later at most once in a heartbeat interval, whatever fails.
    if (replace && (connection_ == 0 || now >= reopened_ + settings_.heartbeat)) reopen_links(now);
    for (std::size_t i = 0; i < links_.size(); ++i) {
        broker_connection& link = links_[i];
        if (!link.introduced() && link.introduce(introduction(), now) && draining_) {
            link.send(protocol::drain{"draining"});
        }
        if (link.heartbeat_due(now)) link.send(heartbeat_of(link, i));
    }
}

void worker_link::read_links(boot_time now) {
    for (std::size_t i = 0; i < links_.size(); ++i) {
        // A fence closes the socket, which ends this loop.
        while (auto message = links_[i].receive(now)) {
            if (auto* frame = std::get_if<protocol::frame>(&*message))
                on(i, std::move(*frame), now);
            else if (auto* jobs = std::get_if<protocol::job>(&*message))
                on(i, *jobs, now);
            else
                on(i, *message, now);
        }
    }
}

void worker_link::on(std::size_t link, const protocol::job& what, boot_time now) {
    if (what.n <= links_[link].last_n) return;  // a duplicate
    links_[link].last_n = what.n;
    failpoint("worker.after_job");
    for (const leased_job& job : what.jobs) {
        jobs_.add(job, link);
        const auto held = galleries_.find(job.collection);
        if (held != galleries_.end() && !satisfies(held->second, job.min_version)) {
            sink_.news(job.collection, job.min_version);
        }
    }
    if (draining_) {
        for (const attempt_id& id : jobs_.take_waiting()) hand_back(id);
    }
    start_jobs(now);
}

void worker_link::on(std::size_t link, protocol::frame&& what, boot_time now) {
    frame_ticket ticket;
    ticket.frame = std::move(what);
    ticket.link = link;
    ticket.connection = links_[link].number();
    ticket.give_up =
        now + std::chrono::milliseconds(std::max<std::int64_t>(ticket.frame.deadline_ms, 0));
    ticket.dropped = std::make_shared<drop_flag>();
    const frame_key key{link, ticket.frame.frame_id};
    if (draining_) {
        links_[link].send(refusal_of(ticket, errc::draining));
        return;
    }
    if (frames_.contains(key)) return;
    if (frames_.size() >= settings_.frame_window * links_.size()) {
        links_[link].send(refusal_of(ticket, errc::no_worker));
        return;
    }
    frames_[key] = held_frame{ticket.dropped};
    parked_frames_.push_back(std::move(ticket));
    release_frames();
}

// No frame runs beside a solo job: if the worker dies, only the job can be the cause.
void worker_link::release_frames() {
    if (jobs_.solo_running()) return;
    for (frame_ticket& ticket : std::exchange(parked_frames_, {})) {
        const std::size_t link = ticket.link;
        const protocol::answer refusal = refusal_of(ticket, errc::no_worker);
        if (sink_.take(std::move(ticket))) continue;
        frames_.erase({link, refusal.frame_id});
        links_[link].send(refusal);
    }
}

void worker_link::on(std::size_t link, const protocol::message& what, boot_time now) {
    if (const auto* beat = std::get_if<protocol::broker_heartbeat>(&what)) {
        links_[link].set_interval(beat->interval_ms);
        for (const auto& [collection, version] : beat->galleries) {
            const auto held = galleries_.find(collection);
            if (held != galleries_.end() && is_other(held->second, version)) {
                sink_.news(collection, version);
            }
        }
    } else if (const auto* reload = std::get_if<protocol::reload>(&what)) {
        sink_.news(reload->collection, reload->version);
    } else if (const auto* stop = std::get_if<protocol::cancel>(&what)) {
        cancel({stop->job_id, stop->attempt});
    } else if (std::holds_alternative<protocol::drain>(what)) {
        begin_drain("broker", now);
    } else if (const auto* end = std::get_if<protocol::bye>(&what)) {
        log::info("broker_sent_bye",
                  {{"endpoint", links_[link].endpoint()}, {"reason", end->reason}});
        links_[link].lose();
    }
}

// Redis makes the job cancelled when its attempt ends: end it now.
void worker_link::cancel(const attempt_id& id) {
    if (jobs_.drop(id)) hand_back(id);
    release_frames();
}

// ---- stages ------------------------------------------------------------------------------------

void worker_link::read_mail(boot_time now) {
    while (auto letter = mail_.take()) {
        std::visit([&](auto&& what) { hear(std::move(what), now); }, std::move(*letter));
    }
}

void worker_link::hear(job_finished&& what, boot_time now) {
    const auto link = jobs_.finish(what.id);
    if (link && what.state != commit_state::stale) {
        failpoint("worker.before_done");
        protocol::done done;
        done.job_id = what.id.job_id;
        done.attempt = what.id.attempt;
        done.state = name_of(what.state);
        done.stage_ms = std::move(what.stage_ms);
        links_[*link].send(done);
    }
    release_frames();
    start_jobs(now);
}

void worker_link::hear(frame_answered&& what, boot_time) {
    frames_.erase({what.link, what.answer.frame_id});
    // The fence is checked last, right before the answer leaves.
    if (phase_ != phase::serving || boot_now() >= fence_at_) return;
    if (links_[what.link].number() != what.connection) return;
    links_[what.link].send(what.answer);
}

void worker_link::hear(gallery_held&& what, boot_time) {
    if (what.version)
        galleries_[what.collection] = *what.version;
    else
        galleries_.erase(what.collection);
}

void worker_link::hear(registration_gone&& what, boot_time now) {
    if (phase_ == phase::serving && what.worker_id == worker_id_) fence("hello: gone", now);
}

void worker_link::hear(drain_asked&& what, boot_time now) {
    begin_drain(what.reason, now);
}

// ---- the end -----------------------------------------------------------------------------------

void worker_link::begin_drain(const std::string& reason, boot_time now) {
    if (draining_) return;
    draining_ = true;
    drain_until_ = now + settings_.drain_timeout;
    log::info("draining", {{"reason", reason}, {"jobs", jobs_.size()}, {"frames", frames_.size()}});
    for (broker_connection& link : links_) link.send(protocol::drain{reason});
    for (const attempt_id& id : jobs_.take_waiting()) hand_back(id);
}

void worker_link::close_when_empty(boot_time now) {
    const bool late = now >= drain_until_;
    if (late) {
        for (const attempt_id& id : jobs_.drop_all()) hand_back(id);
    }
    const bool empty = jobs_.empty() && frames_.empty() && returning_ == 0;
    if (phase_ == phase::outside || phase_ == phase::registering) {
        phase_ = phase::closed;  // not registered, so it holds nothing
    } else if (phase_ == phase::serving && (empty || late)) {
        say_bye();
    } else if (phase_ == phase::closing && now > drain_until_ + settings_.heartbeat) {
        phase_ = phase::closed;  // Redis is down: the leases lapse
    }
    if (phase_ == phase::closed) {
        for (broker_connection& link : links_) link.close("drained");
    }
}

}  // namespace vultus
