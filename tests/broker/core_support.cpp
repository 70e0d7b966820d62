// See core_support.hpp.
#include "tests/broker/core_support.hpp"

namespace vultus::broker::testing {

leased_job job_named(const std::string& id, std::uint64_t attempt, bool solo) {
    leased_job job;
    job.job_id = id;
    job.attempt = attempt;
    job.collection = "default";
    job.solo = solo;
    return job;
}

bench::bench(bool ready, core_options options) : it(std::move(options)) {
    tell(tick{});
    if (!ready) return;
    tell(store_link{true});
    tell(store_prepared{unix_time{1'000'000}});
}

effects bench::pass(milliseconds time) {
    effects all;
    for (milliseconds left = time; left.count() > 0;) {
        const milliseconds step = std::min(left, milliseconds(250));
        now += step;
        left -= step;
        for (effect& one : tell(tick{})) all.push_back(std::move(one));
    }
    return all;
}

effects bench::from_worker(const std::string& connection, protocol::message what) {
    return tell(received{side::worker, connection, std::move(what)});
}

effects bench::from_api(protocol::message what, const std::string& connection) {
    return tell(received{side::api, connection, std::move(what)});
}

effects bench::join(const std::string& worker_id, std::uint32_t window, std::uint32_t frame_window,
                    int connection, const std::string& gpu) {
    protocol::ready hello;
    hello.worker_id = worker_id;
    hello.types = {"recognize", "train"};
    hello.window = window;
    hello.frame_window = frame_window;
    hello.gpu = gpu;
    return from_worker(worker_id + "." + std::to_string(connection), hello);
}

effects bench::keep_alive() {
    effects all;
    const std::map<std::string, worker> copy = it.workers().all();
    for (const auto& [connection, one] : copy) {
        protocol::worker_heartbeat beat;
        beat.last_n = one.last_n;
        for (const auto& [attempt, job] : one.jobs) beat.running.push_back(attempt);
        for (const auto& [id, when] : one.frames) beat.frames.push_back(id);
        for (effect& reply : from_worker(connection, beat)) all.push_back(std::move(reply));
    }
    return all;
}

effects bench::answer(const lease& call, std::vector<leased_job> jobs, std::uint64_t left) {
    return tell(leased{call.ticket, leased_jobs{std::move(jobs), left}});
}

effects bench::answer_empty(const effects& from) {
    effects all;
    std::vector<lease> calls = all_of<lease>(from);
    while (!calls.empty()) {
        const lease call = calls.front();
        calls.erase(calls.begin());
        effects more = answer(call, {});
        for (const lease& next : all_of<lease>(more)) calls.push_back(next);
        for (effect& one : more) all.push_back(std::move(one));
    }
    return all;
}

const worker& bench::at(const std::string& connection) const {
    return it.workers().all().at(connection);
}

protocol::frame frame_named(const std::string& id, std::size_t bytes, const std::string& live_id) {
    protocol::frame one;
    one.frame_id = id;
    one.live_id = live_id;
    one.collection = "default";
    one.deadline_ms = 2'000;
    one.image = std::string(bytes, 'x');
    return one;
}

}  // namespace vultus::broker::testing
