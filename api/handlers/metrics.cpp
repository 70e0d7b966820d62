// GET /metrics: the counters of this process, and those that brokers and their workers report.
#include "api/handlers/handlers.hpp"

namespace vultus::api::handlers {
namespace {

/// The longest turn of a loop, of which the process `kind` sent microseconds. Older ones send none.
void put_turn(metrics& now, std::string_view kind, std::string_view whose, std::uint64_t cpu_us,
              std::uint64_t wall_us) {
    if (wall_us == 0) return;
    const auto name = "vultus_" + std::string(kind) + "_loop_longest_turn_seconds";
    now.set(name, static_cast<double>(cpu_us) / 1e6, {{kind, whose}, {"clock", "processor"}});
    now.set(name, static_cast<double>(wall_us) / 1e6, {{kind, whose}, {"clock", "wall"}});
}

void put_worker(metrics& now, const protocol::worker_status& worker) {
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    const metrics::labels whose{{"worker", worker.worker_id}};
    const protocol::worker_load& load = worker.load;
    now.count("vultus_worker_batches_total", whose, number(load.batches));
    now.count("vultus_worker_faces_total", whose, number(load.faces));
    now.count("vultus_worker_photos_total", whose, number(load.photos));
    now.count("vultus_worker_decoders_lost_total", whose, number(load.decoders_lost));
    now.set("vultus_worker_jobs", worker.outstanding, whose);
    put_turn(now, "worker", worker.worker_id, load.turn_cpu_us, load.turn_wall_us);
    if (load.gpu_bytes == 0) return;
    now.set("vultus_worker_card_bytes", number(load.gpu_bytes), whose);
    now.set("vultus_worker_card_free_bytes", number(load.gpu_free_bytes), whose);
}

}  // namespace

asio::awaitable<response> metrics_text(services& ctx) {
    ctx.measured.set("vultus_event_waiters", static_cast<double>(ctx.events.waiters()));
    const auto brokers = co_await ctx.brokers.status(broker_patience);
    metrics now;  // built for each request: without workers that are gone
    for (const broker_state& broker : brokers) {
        if (!broker.reply) continue;
        now.count("vultus_broker_refused_peers_total", {{"broker", broker.endpoint}},
                  static_cast<double>(broker.reply->refused_peers));
        put_turn(now, "broker", broker.endpoint, broker.reply->turn_cpu_us,
                 broker.reply->turn_wall_us);
    }
    for (const auto& [id, worker] : workers_of(brokers)) put_worker(now, worker);
    response answer;
    answer.body = ctx.measured.text() + now.text();
    answer.with("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    answer.with("Cache-Control", "no-store");
    co_return answer;
}

}  // namespace vultus::api::handlers
