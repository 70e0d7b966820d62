#include "clients/ctl/models/models.hpp"

#include <map>

#include "clients/ctl/brokers/workers.hpp"
#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "shared/config/known_models.hpp"
#include "shared/store/model_store.hpp"

namespace vultus::ctl {
namespace {

struct model_row {
    std::string kind;
    std::uint64_t workers = 0;
    const known_model* facts = nullptr;  ///< null: only a worker knows it
};
using rows = std::map<std::string, model_row>;

void count(rows& all, const std::vector<std::string>& names, const char* kind) {
    for (const std::string& name : names) {
        model_row& row = all[name];
        row.kind = kind;
        ++row.workers;
        row.facts = known_model_of(name);
    }
}

/// The detectors and embedders of the workers, and of those that are known and that no worker has.
rows rows_of(const std::vector<worker_row>& workers) {
    rows all;
    for (const worker_row& one : workers) {
        count(all, one.status.detectors, "detector");
        count(all, one.status.embedders, "embedder");
    }
    for (const known_model& one : known_models()) {
        if (one.kind == "landmarks") continue;
        bool there = false;
        for (const auto& [name, row] : all) there = there || row.facts == &one;
        if (!there) all[std::string(one.name)] = {std::string(one.kind), 0, &one};
    }
    return all;
}

result<report> listed(redis_blocking& redis, const store_context& store) {
    const auto defaults = redis.call(model_store(store).defaults());
    if (!defaults) return fail(defaults.error());
    const auto workers = registered_workers(redis, store, unix_now());
    if (!workers) return fail(workers.error());
    table shown{{{"model"},
                 {"kind"},
                 {"workers", side::right},
                 {"default"},
                 {"licence"},
                 {"training data"}},
                {}};
    json_text out;
    out.open_object().key("defaults").open_object();
    out.key("detector").text(defaults->models.detector);
    out.key("embedder").text(defaults->models.embedder).close_object();
    out.key("models").open_array();
    for (const auto& [name, row] : rows_of(*workers)) {
        const bool is_default = name == (row.kind == "detector" ? defaults->models.detector
                                                                : defaults->models.embedder);
        const std::string licence(row.facts == nullptr ? "" : row.facts->licence);
        const std::string training(row.facts == nullptr ? "" : row.facts->training);
        shown.rows.push_back({name, row.kind, std::to_string(row.workers), is_default ? "yes" : "",
                              licence, training});
        out.open_object().key("name").text(name).key("kind").text(row.kind);
        out.key("workers").number(row.workers).key("default").truth(is_default);
        out.key("licence").text(licence).key("training").text(training).close_object();
    }
    out.close_array();
    const std::string below = defaults->models.detector.empty()
                                  ? "no worker has registered: the defaults are not decided"
                                  : "";
    return report{{{"", std::move(shown), below}}, out.close_object().str()};
}

}  // namespace

result<report> models(const arguments& asked, redis_blocking& redis, const store_context& store) {
    if (asked.what == command::models_list) return listed(redis, store);
    const auto made = redis.call(
        model_store(store).set_defaults({asked.detector, asked.embedder}, who(), asked.force));
    if (!made) return fail(made.error());
    json_text out;
    out.open_object().key("detector").text(made->models.detector);
    out.key("embedder").text(made->models.embedder).close_object();
    return report{
        {{"",
          {},
          "defaults: detector " + made->models.detector + ", embedder " + made->models.embedder}},
        out.str()};
}

}  // namespace vultus::ctl
