// See erasure.hpp.
#include "clients/ctl/privacy/erasure.hpp"

#include <cstdlib>
#include <optional>

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "clients/ctl/privacy/append_file.hpp"
#include "clients/ctl/privacy/trace_scan.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/operator_store.hpp"

namespace vultus::ctl {
namespace {

constexpr std::chrono::minutes rewrite_patience{10};

struct held {
    std::string worker, collection;
    gallery_version version = 0, removed_version = 0;
    /// It serves a version from before the last removal, or a deleted gallery.
    bool is_behind() const { return !satisfies(version, removed_version); }
};

struct purged {
    std::size_t jobs = 0, logs = 0;
    bool slow_log = false;
};

struct erasing {
    const erased_person& of;
    redis_blocking& redis;
    const store_context& store;
    const listener& on;

    result<std::vector<std::string>> fsck() {
        std::vector<std::string> findings;
        std::string cursor;
        do {
            auto step = redis.call(operator_store(store).fsck(cursor, limits::page_size, false));
            if (!step) return fail(step.error());
            cursor = step->first;
            findings.insert(findings.end(), step->second.begin(), step->second.end());
        } while (!cursor.empty());
        return findings;
    }

    /// The versions that each worker serves, of the collections in question.
    result<std::vector<held>> workers() {
        std::vector<held> all;
        const auto ids = redis.call(plain_call({"ZRANGE", store.prefix() + "workers", "0", "-1"}));
        if (!ids) return fail(ids.error());
        for (const auto& id : ids->items) {
            const auto fields =
                redis.call(plain_call({"HGETALL", store.prefix() + "worker:" + id.text}));
            if (!fields) return fail(fields.error());
            for (std::size_t i = 0; i + 1 < fields->items.size(); i += 2) {
                const std::string& name = fields->items[i].text;
                if (!name.starts_with("gallery:")) continue;
                const std::string collection = name.substr(8);
                if (!of.collection.empty() && collection != of.collection) continue;
                const auto info = redis.call(gallery_reader(store).gallery(collection));
                if (!info) return fail(info.error());
                const auto version = std::strtoull(fields->items[i + 1].text.c_str(), nullptr, 10);
                all.push_back({id.text, collection, version, info->removed_version});
            }
        }
        return all;
    }

    /// Unfinished jobs are kept and stay in the report.
    result<purged> purge(const scanned& found, const std::string& label_hash) {
        purged done;
        const std::string by = who() + "  " + label_hash;
        for (const auto& id : found.jobs) {
            const auto removed = redis.call(operator_store(store).remove(id, by));
            if (removed) ++done.jobs;
            const bool stays = removed || removed.error().code == errc::wrong_state ||
                               removed.error().code == errc::not_found ||
                               removed.error().code == errc::collected;
            if (!stays) return fail(removed.error());
            on.progress(done.jobs, found.jobs.size(), "jobs");
        }
        for (const auto& collection : found.logs) {
            if (auto good = redis.call(gallery_admin(store).erase_log(collection, by)); !good) {
                return fail(good.error());
            }
            ++done.logs;
        }
        if (found.slow_log) {
            if (auto good = redis.call(plain_call({"SLOWLOG", "RESET"})); !good) {
                return fail(good.error());
            }
            done.slow_log = true;
        }
        return done;
    }
};

std::string file_text(const append_file& file) {
    if (!file.enabled) return "Redis writes no append-only file";
    if (file.clean) return "Append-only file rewritten since the last removal";
    return "Append-only file contains removed data until its next rewrite" +
           std::string(file.rewriting ? " (a rewrite that started earlier is running)" : "") +
           ": use --rewrite or redis-cli BGREWRITEAOF. Backups and replicas contain it too";
}

std::string purged_text(const purged& done) {
    return "Removed: " + std::to_string(done.jobs) + " jobs, " + std::to_string(done.logs) +
           " gallery logs" + (done.slow_log ? ", slow log of Redis" : "");
}

struct findings {
    scanned found;
    std::vector<std::string> fsck;
    std::vector<held> workers;
    append_file file;
};

std::string json_of(const findings& all, const std::optional<purged>& done, bool bad) {
    json_text out;
    out.open_object().key("clean").truth(!bad).key("looked_at").open_object();
    for (const auto& [kind, count] : all.found.keys) out.key(kind).number(count);
    out.key("elements").number(all.found.elements).close_object();
    out.key("traces").open_array();
    for (const auto& one : all.found.traces) {
        out.open_object().key("key").text(one.key).key("where").text(one.where).close_object();
    }
    out.close_array().key("traces_total").number(all.found.found);
    out.key("similar").open_array();
    for (const auto& one : all.found.similar) out.text(one);
    out.close_array().key("fsck").open_array();
    for (const auto& one : all.fsck) out.text(one);
    out.close_array().key("workers").open_array();
    for (const auto& one : all.workers) {
        out.open_object().key("worker_id").text(one.worker).key("collection").text(one.collection);
        out.key("version").number(one.version).key("removed_version").number(one.removed_version);
        out.close_object();
    }
    out.close_array().key("file").open_object().key("enabled").truth(all.file.enabled);
    out.key("rewriting").truth(all.file.rewriting).key("clean").truth(all.file.clean);
    out.key("last_removal_at");
    if (all.file.removed_at.count() == 0) {
        out.null();
    } else {
        out.text(rfc3339(all.file.removed_at));
    }
    out.close_object();
    if (done) {
        out.key("purged").open_object().key("jobs").number(done->jobs);
        out.key("logs").number(done->logs).key("slow_log").truth(done->slow_log).close_object();
    }
    return out.close_object().str();
}

report report_of(const findings& all, const std::optional<purged>& done) {
    report made;
    if (done) made.sections.push_back({"", {}, purged_text(*done)});
    table looked{{{"keys"}, {"number", side::right}}, {}};
    for (const auto& [kind, count] : all.found.keys) {
        looked.rows.push_back({kind, std::to_string(count)});
    }
    made.sections.push_back(
        {"Searched", std::move(looked), std::to_string(all.found.elements) + " elements"});
    table workers{
        {{"worker"}, {"collection"}, {"serves", side::right}, {"last removal", side::right}, {""}},
        {}};
    bool behind = false;
    for (const auto& one : all.workers) {
        behind = behind || one.is_behind();
        workers.rows.push_back({one.worker, one.collection, std::to_string(one.version),
                                std::to_string(one.removed_version),
                                one.is_behind() ? "behind" : ""});
    }
    made.sections.push_back({"Workers", std::move(workers), ""});
    table traces{{{"trace"}, {"where"}}, {}};
    for (const auto& one : all.found.traces) traces.rows.push_back({one.key, one.where});
    for (const auto& one : all.fsck) traces.rows.push_back({"(fsck)", one});
    made.bad = all.found.found > 0 || !all.fsck.empty() || behind;
    made.sections.push_back(
        {"Traces", std::move(traces),
         all.found.found > all.found.traces.size()
             ? "and " + std::to_string(all.found.found - all.found.traces.size()) + " more"
             : ""});
    if (!all.found.similar.empty()) {
        table similar{{{"similar names, not removed"}}, {}};
        for (const auto& one : all.found.similar) similar.rows.push_back({one});
        made.sections.push_back({"Similar", std::move(similar), ""});
    }
    made.sections.push_back({"File", {}, file_text(all.file)});
    made.json = json_of(all, done, made.bad);
    return made;
}

}  // namespace

result<report> erasure(const arguments& asked, redis_blocking& redis, const store_context& store,
                       const listener& on) {
    const auto who = find_erased(asked, redis, store);
    if (!who) return fail(who.error());
    erasing now{*who, redis, store, on};
    findings all;
    std::optional<purged> done;
    const auto look = [&]() -> result<void> {
        auto found = scan_for(*who, redis, store);
        if (!found) return fail(found.error());
        all.found = std::move(*found);
        return {};
    };
    if (auto good = look(); !good) return fail(good.error());
    if (asked.purge) {
        const auto secret = label_secret(asked.key.secret);
        if (!secret) return fail(secret.error());
        const auto went =
            now.purge(all.found, who->name.empty() ? "" : hash_of_label(who->name, *secret));
        if (!went) return fail(went.error());
        done = *went;
        if (auto good = look(); !good) return fail(good.error());
    }
    auto problems = now.fsck();
    if (!problems) return fail(problems.error());
    all.fsck = std::move(*problems);
    auto workers = now.workers();
    if (!workers) return fail(workers.error());
    all.workers = std::move(*workers);
    if (asked.rewrite) {
        if (auto good = rewrite_append_file(redis, rewrite_patience); !good) {
            return fail(good.error());
        }
    }
    const auto file = append_file_now(redis, store);
    if (!file) return fail(file.error());
    all.file = *file;
    return report_of(all, done);
}

}  // namespace vultus::ctl
