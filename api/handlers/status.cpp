// GET /api/status: workers, queue, brokers, and why jobs wait.
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/service_clock.hpp"

namespace vultus::api::handlers {

std::string defaults_json(const default_models& defaults) {
    const auto name = [](const std::string& text) {
        return text.empty() ? std::string("null") : json_quoted(text);
    };
    json_object text;
    text.raw("detector", name(defaults.models.detector));
    text.raw("embedder", name(defaults.models.embedder));
    return text.take();
}

namespace {

std::string load_json(const protocol::worker_load& load) {
    json_object text;
    text.add("batches", load.batches).add("faces", load.faces).add("photos", load.photos);
    text.add("decoders_lost", load.decoders_lost);
    if (load.gpu_bytes > 0) {
        text.add("card_bytes", load.gpu_bytes).add("card_free_bytes", load.gpu_free_bytes);
    }
    return text.take();
}

std::string names_json(const std::vector<std::string>& names) {
    json_array list;
    for (const auto& name : names) list.raw(json_quoted(name));
    return list.take();
}

std::string worker_json(const protocol::worker_status& worker, const access_key* key) {
    json_object galleries;
    for (const auto& [collection, version] : worker.galleries) {
        if (may_use(key, collection)) galleries.add(collection, version);
    }
    json_object text;
    text.add("worker_id", worker.worker_id).add("host", worker.host).add("pid", worker.pid);
    text.add("device", worker.device).add("build", worker.build).add("state", worker.state);
    text.add("window", worker.window).add("outstanding", worker.outstanding);
    text.add("frames", worker.frames).add("last_seen_ms", worker.last_seen_ms);
    text.raw("galleries", galleries.take()).raw("load", load_json(worker.load));
    if (!worker.gpu.empty()) text.add("card", worker.gpu);
    if (!worker.detectors.empty()) text.raw("detectors", names_json(worker.detectors));
    if (!worker.embedders.empty()) text.raw("embedders", names_json(worker.embedders));
    return text.take();
}

std::string queue_json(const queue_stats& queue) {
    json_object text;
    text.add("interactive", queue.interactive).add("bulk", queue.bulk);
    text.add("running", queue.running).add("delayed", queue.delayed);
    text.add("publishing", queue.publishing).add("dead", queue.dead).add("bytes", queue.bytes);
    return text.take();
}

std::string models_json(const default_models& defaults, const queue_stats& queue) {
    json_array waiting;
    for (const auto& [model, jobs] : queue.waiting_for) {
        waiting.raw(json_object().add("model", std::string_view(model)).add("jobs", jobs).take());
    }
    json_object text;
    text.raw("defaults", defaults_json(defaults));
    text.add("jobs_waiting", queue.waiting_for_model).raw("waiting_for", waiting.take());
    return text.take();
}

/// Whether jobs wait for a model that the service uses by default: no client chose it.
bool lacks_a_default(const default_models& defaults, const queue_stats& queue) {
    return queue.waiting_for.contains(defaults.models.detector) ||
           queue.waiting_for.contains(defaults.models.embedder);
}

using worker_table = std::map<std::string, protocol::worker_status>;

std::vector<std::string> reasons_of(const std::vector<broker_state>& brokers,
                                    const worker_table& workers, const queue_stats& queue,
                                    const services& ctx) {
    std::vector<std::string> reasons;
    std::size_t away = 0;
    for (const auto& broker : brokers) away += broker.reply ? 0 : 1;
    if (away == brokers.size()) {
        reasons.push_back("No broker replies: accepted jobs wait");
    } else {
        if (away > 0) reasons.push_back("A broker does not reply");
        bool ready = false;
        for (const auto& [id, worker] : workers) ready = ready || worker.state == "ready";
        if (workers.empty()) {
            reasons.push_back("No worker registered: accepted jobs wait");
        } else if (!ready) {
            reasons.push_back("All workers are draining: accepted jobs wait");
        }
    }
    const auto waiting = queue.interactive + queue.bulk + queue.delayed;
    if (waiting >= ctx.settings.queue_jobs_max || queue.bytes >= ctx.settings.queue_bytes_max) {
        reasons.push_back("Queue full: new jobs are refused");
    }
    const auto clock = clock_state_of(queue);
    if (clock == clock_state::suspicious || clock == clock_state::quiet) {
        reasons.push_back(description_of(clock));
    }
    for (const auto& [model, jobs] : queue.waiting_for) {
        reasons.push_back(std::to_string(jobs) + (jobs == 1 ? " job waits" : " jobs wait") +
                          " for the model " + model + ", which no worker has");
    }
    if (queue.dead > 0) reasons.push_back("Dead jobs need an operator");
    return reasons;
}

}  // namespace

asio::awaitable<response> status(request& req, services& ctx) {
    if (auto good = ctx.health.ready(); !good) co_return refuse(good.error(), req, ctx);
    auto queue = co_await ctx.redis.call(ctx.jobs.stats());
    if (!queue) co_return refuse(queue.error(), req, ctx);
    const auto defaults = co_await ctx.redis.call(ctx.models.defaults());
    if (!defaults) co_return refuse(defaults.error(), req, ctx);
    const auto brokers = co_await ctx.brokers.status(broker_patience);
    const auto workers = workers_of(brokers);
    const auto reasons = reasons_of(brokers, workers, *queue, ctx);
    const auto clock = clock_state_of(*queue);
    // Dead jobs, a clock jump and a model that a client chose concern the operator; the service
    // itself is not degraded by them.
    const std::size_t chosen = lacks_a_default(*defaults, *queue) ? 0u : queue->waiting_for.size();
    const bool degraded = reasons.size() > (queue->dead > 0 ? 1u : 0u) +
                                               (clock == clock_state::quiet ? 1u : 0u) + chosen;
    json_array reason_list;
    for (const auto& reason : reasons) reason_list.raw(json_quoted(reason));
    json_array worker_list;
    for (const auto& [id, worker] : workers) {
        worker_list.raw(worker_json(worker, req.key.get()));
    }
    json_array broker_list;
    for (const auto& broker : brokers) {
        json_object row;
        row.add("endpoint", broker.endpoint).add("state", broker.reply ? "connected" : "away");
        if (broker.reply) {
            row.add("broker_id", broker.reply->broker_id);
            row.add("refused_peers", broker.reply->refused_peers);
        }
        broker_list.raw(row.take());
    }
    json_object text;
    text.add("state", ctx.draining ? "draining" : degraded ? "degraded" : "ready");
    text.raw("reasons", reason_list.take()).add("build", ctx.build);
    text.add("photo_urls", ctx.fetcher.is_on());
    text.raw("workers", worker_list.take()).raw("queue", queue_json(*queue));
    text.raw("brokers", broker_list.take());
    json_object clock_row;
    clock_row.add("state", name_of(clock)).add("off_ms", queue->counters["clock_off_ms"]);
    text.raw("clock", clock_row.take());
    text.raw("models", models_json(*defaults, *queue));
    auto answer = json_response(200, text.take());
    answer.with("Cache-Control", "no-store");
    co_return answer;
}

}  // namespace vultus::api::handlers
