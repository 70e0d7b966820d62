// GET /api/models: every model that is known or that a worker has.
#include <algorithm>
#include <map>
#include <set>

#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "shared/config/known_models.hpp"

namespace vultus::api::handlers {
namespace {

struct model_row {
    std::string kind;
    const known_model* facts = nullptr;  ///< null: only a worker knows it
    std::set<std::string> names;         ///< of an embedder, as workers offer them
    std::size_t workers = 0;
};
using rows = std::map<std::string, model_row>;

/// The part of an embedder's name that says which network it is.
std::string network_of(const std::string& name) {
    return name.substr(0, name.find('/'));
}

/// Which models this worker has. One that lists none is of an older version.
void count(rows& all, const protocol::worker_status& worker) {
    std::set<std::string> has;
    const auto add = [&](const std::string& name, const char* kind) {
        model_row& row = all[name];
        if (row.kind.empty()) row.kind = kind;
        if (has.insert(name).second) ++row.workers;
    };
    for (const std::string& name : worker.detectors) add(name, "detector");
    for (const std::string& name : worker.embedders) {
        add(network_of(name), "embedder");
        all[network_of(name)].names.insert(name);
    }
    if (!worker.detectors.empty() || !worker.embedders.empty()) return;
    for (const std::string_view name : older_detectors) add(std::string(name), "detector");
    add(network_of(std::string(dlib_embedders)), "embedder");
}

std::string row_json(const std::string& name, const model_row& row) {
    const auto known = [](std::string_view text) {
        return text.empty() ? std::string("null") : json_quoted(text);
    };
    json_object text;
    text.add("name", std::string_view(name)).add("kind", std::string_view(row.kind));
    text.raw("licence", row.facts == nullptr ? "null" : known(row.facts->licence));
    text.raw("training", row.facts == nullptr ? "null" : known(row.facts->training));
    if (row.kind == "embedder") {
        json_array names;
        for (const auto& one : row.names) names.raw(json_quoted(one));
        text.raw("embedders", names.take());
        if (row.facts != nullptr) text.add("dimension", row.facts->dimension);
    }
    text.add("workers", static_cast<std::uint64_t>(row.workers));
    return text.take();
}

}  // namespace

asio::awaitable<response> models(request& req, services& ctx) {
    const auto defaults = co_await ctx.redis.call(ctx.models.defaults());
    if (!defaults) co_return refuse(defaults.error(), req, ctx);
    const auto brokers = co_await ctx.brokers.status(broker_patience);
    rows all;
    for (const known_model& one : known_models()) {
        model_row& row = all[std::string(one.name)];
        row.kind = one.kind;
        row.facts = &one;
    }
    const auto workers = workers_of(brokers);
    for (const auto& [id, worker] : workers) count(all, worker);
    // Every worker has them, or it would not have started.
    for (auto& [name, row] : all) {
        if (row.kind == "landmarks") row.workers = workers.size();
    }
    json_array list;
    for (const auto& [name, row] : all) list.raw(row_json(name, row));
    json_object text;
    text.raw("defaults", defaults_json(*defaults)).raw("models", list.take());
    auto answer = json_response(200, text.take());
    answer.with("Cache-Control", "no-store");
    co_return answer;
}

}  // namespace vultus::api::handlers
