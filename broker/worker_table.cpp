// Credits and turns. See worker_table.hpp.
#include "broker/worker_table.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"

namespace vultus::broker {

std::uint32_t worker::free() const noexcept {
    const std::size_t used = jobs.size() + reserved;
    return used >= who.window ? 0 : static_cast<std::uint32_t>(who.window - used);
}

std::uint32_t worker::outstanding() const noexcept {
    return static_cast<std::uint32_t>(jobs.size());
}

bool worker::has_solo() const noexcept {
    return std::any_of(jobs.begin(), jobs.end(), [](const auto& job) { return job.second.solo; });
}

bool worker::takes_work() const noexcept {
    return !draining && !asked_to_drain && !has_solo();
}

bool worker::runs(std::string_view type) const noexcept {
    return std::find(who.types.begin(), who.types.end(), type) != who.types.end();
}

bool worker::has(const model_choice& models) const noexcept {
    const auto lists = [](const auto& names, std::string_view wanted) {
        return std::find(names.begin(), names.end(), wanted) != names.end();
    };
    const bool older = who.detectors.empty() && who.embedders.empty();
    const std::string& detector = models.detector;
    const std::string& embedder = models.embedder;
    if (!detector.empty() &&
        !(older ? lists(older_detectors, detector) : lists(who.detectors, detector))) {
        return false;
    }
    return embedder.empty() ||
           (older ? embedder.starts_with(dlib_embedders) : lists(who.embedders, embedder));
}

bool worker::meets(const frame_need& need) const noexcept {
    return (need.type.empty() || runs(need.type)) && has(need.models);
}

bool worker::takes_frames() const noexcept {
    return !draining && !asked_to_drain && who.frame_window > 0 && runs("recognize");
}

std::vector<attempt_id> worker::reconcile(const protocol::worker_heartbeat& report, boot_time now) {
    const std::set<attempt_id> running(report.running.begin(), report.running.end());
    std::vector<attempt_id> ended;
    for (const auto& [attempt, job] : jobs) {
        if (running.count(attempt) > 0) continue;
        if (job.n <= report.last_n || now - job.sent >= limits::lease) ended.push_back(attempt);
    }
    for (const attempt_id& attempt : ended) jobs.erase(attempt);

    // Frames have no counter: one that was sent some time ago and is not reported is not there.
    const std::set<std::string> reported(report.frames.begin(), report.frames.end());
    std::erase_if(frames, [&](const auto& frame) {
        return reported.count(frame.first) == 0 &&
               now - frame.second >= limits::heartbeat * limits::heartbeats_missed;
    });
    return ended;
}

protocol::worker_status worker::status(boot_time now) const {
    protocol::worker_status line;
    line.worker_id = who.worker_id;
    line.host = who.host;
    line.device = who.device;
    line.build = who.build;
    line.state = draining || asked_to_drain ? "draining" : "ready";
    line.pid = who.pid;
    line.window = who.window;
    line.outstanding = outstanding();
    line.frames = static_cast<std::uint32_t>(frames.size());
    line.last_seen_ms = (now - last_seen).count();
    for (const auto& [collection, held] : galleries) {
        line.galleries[collection] = held.version.value_or(0);
    }
    line.gpu = who.gpu;
    line.load = load;
    line.detectors = who.detectors;
    line.embedders = who.embedders;
    return line;
}

worker worker_of(const protocol::ready& hello, const std::string& connection,
                 std::uint64_t connection_number, boot_time now) {
    worker one;
    one.who = hello;
    one.who.window = std::min(hello.window, window_max);
    one.who.frame_window = std::min(hello.frame_window, window_max);
    one.connection = connection;
    one.connection_number = connection_number;
    one.last_seen = now;
    for (const attempt_id& attempt : hello.running) {
        if (one.jobs.size() >= one.who.window) break;  // no credit for what exceeds the window
        one.jobs[attempt] = sent_job{0, now, false, {}};
    }
    return one;
}

std::uint64_t connection_number_of(std::string_view routing_id) noexcept {
    const std::size_t dot = routing_id.rfind('.');
    if (dot == std::string_view::npos) return 0;
    std::uint64_t number = 0;
    const char* end = routing_id.data() + routing_id.size();
    const auto [stop, why] = std::from_chars(routing_id.data() + dot + 1, end, number);
    return why == std::errc() && stop == end ? number : 0;
}

worker* worker_table::by_connection(const std::string& connection) {
    const auto found = workers_.find(connection);
    return found == workers_.end() ? nullptr : &found->second;
}

worker* worker_table::by_id(const std::string& worker_id) {
    const auto found = connection_of_.find(worker_id);
    return found == connection_of_.end() ? nullptr : by_connection(found->second);
}

worker& worker_table::add(worker one) {
    VULTUS_REQUIRE(by_id(one.who.worker_id) == nullptr, "worker id is already connected");
    const std::string connection = one.connection;
    connection_of_[one.who.worker_id] = connection;
    const auto [place, fresh] = workers_.emplace(connection, std::move(one));
    VULTUS_REQUIRE(fresh, "connection already has a worker");
    return place->second;
}

void worker_table::remove(const std::string& connection) {
    const auto found = workers_.find(connection);
    if (found == workers_.end()) return;
    connection_of_.erase(found->second.who.worker_id);
    workers_.erase(found);
}

std::vector<std::string> worker_table::silent(boot_time now) const {
    std::vector<std::string> found;
    for (const auto& [connection, one] : workers_) {
        if (now - one.last_seen > limits::heartbeat * limits::heartbeats_missed) {
            found.push_back(connection);
        }
    }
    return found;
}

namespace {

bool may_lease(const worker& one, boot_time now) noexcept {
    return one.takes_work() && one.ticket == 0 && one.free() > 0 && now >= one.pause_until &&
           now >= one.lacks_until;
}

double share(std::size_t used, std::uint32_t window) noexcept {
    return static_cast<double>(used) / static_cast<double>(window);
}

}  // namespace

worker* worker_table::next_for_lease(boot_time now, bool cpu_jobs, bool gpu_jobs) {
    const bool is_mixed = mixed();
    worker* best = nullptr;
    for (auto& [connection, one] : workers_) {
        if (!may_lease(one, now)) continue;
        const bool own = one.has_gpu() ? gpu_jobs : cpu_jobs;
        if (is_mixed && !own && spill(one, now) == 0) continue;
        const auto rank = [](const worker& w) {
            return std::tuple(share(w.jobs.size() + w.reserved, w.who.window), !w.has_gpu(),
                              w.last_turn);
        };
        if (best == nullptr || rank(one) < rank(*best)) best = &one;
    }
    return best;
}

lease_share worker_table::share_of(const worker& one, boot_time now) const {
    lease_share made;
    made.most = std::min(one.free(), static_cast<std::uint32_t>(limits::jobs_per_message));
    // A quarter of the window at a time, so that the first worker does not take everything.
    if (leasable(now) > 1) made.most = std::min(made.most, std::max(1u, one.who.window / 4));
    if (mixed()) {
        made.prefers = one.kind();
        made.spill = std::min(made.most, spill(one, now));
    }
    return made;
}

std::uint32_t worker_table::spill(const worker& one, boot_time now) const noexcept {
    const spill_rule& rule = one.has_gpu() ? cpu_work_on_gpu : gpu_work_on_cpu;
    for (const auto& [connection, other] : workers_) {
        if (other.has_gpu() == one.has_gpu()) continue;
        if (!other.takes_work() || now < other.pause_until || now < other.lacks_until) continue;
        if (share(other.jobs.size(), other.who.window) <= rule.busy) return 0;
    }
    const double part = rule.most * one.who.window;
    const auto most = std::max(1u, static_cast<std::uint32_t>(part));
    const std::uint32_t used = one.outstanding() + one.reserved;
    return most > used ? most - used : 0;
}

bool worker_table::mixed() const noexcept {
    const auto some = [this](bool gpu) {
        return std::any_of(workers_.begin(), workers_.end(), [gpu](const auto& entry) {
            const worker& one = entry.second;
            return one.has_gpu() == gpu && !one.draining && !one.asked_to_drain;
        });
    };
    return some(true) && some(false);
}

worker* worker_table::next_for_frame(device_kind suits, const frame_need& need) {
    worker* best = nullptr;
    for (auto& [connection, one] : workers_) {
        if (!one.takes_work() || !one.runs("recognize")) continue;
        if (one.frames.size() >= one.who.frame_window || !one.meets(need)) continue;
        const auto rank = [suits](const worker& w) {
            const double other_kind = w.kind() == suits ? 0.0 : spill_share;
            return std::tuple(share(w.frames.size(), w.who.frame_window) + other_kind,
                              w.jobs.size(), w.last_turn);
        };
        if (best == nullptr || rank(one) < rank(*best)) best = &one;
    }
    return best;
}

bool worker_table::any_for_frame() const noexcept {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const auto& entry) { return entry.second.takes_frames(); });
}

std::string worker_table::missing_for_frame(const frame_need& need) const {
    const model_choice& models = need.models;
    bool runs = false, finds = models.detector.empty();
    for (const auto& [connection, one] : workers_) {
        if (!one.takes_frames() || !one.meets({{}, need.type})) continue;
        if (one.has(models)) return {};
        runs = true;
        finds = finds || one.has({models.detector, {}});
    }
    if (!runs) return "No connected worker runs " + need.type + ": all are of an older version";
    return "No connected worker has the model " + (finds ? models.embedder : models.detector);
}

void worker_table::jobs_arrived() noexcept {
    for (auto& [connection, one] : workers_) one.lacks_until = boot_time{0};
}

std::size_t worker_table::leasable(boot_time now) const noexcept {
    return static_cast<std::size_t>(
        std::count_if(workers_.begin(), workers_.end(),
                      [now](const auto& entry) { return may_lease(entry.second, now); }));
}

}  // namespace vultus::broker
