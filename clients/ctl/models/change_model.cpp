// See change_model.hpp.
#include "clients/ctl/models/change_model.hpp"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "clients/ctl/brokers/broker_admin.hpp"
#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/picture_store.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::ctl {
namespace {

constexpr std::chrono::milliseconds look_every{250};

/// What the collection has, and whom another model would lose.
struct findings {
    gallery_info gallery;
    std::uint64_t pictures = 0;
    std::vector<std::string> without;  ///< people with a face that has no picture
    std::uint64_t faces_without() const { return gallery.faces - pictures; }
};

result<findings> look_at(const std::string& collection, redis_blocking& redis,
                         const store_context& store) {
    findings seen;
    const auto gallery = redis.call(gallery_reader(store).gallery(collection));
    if (!gallery) return fail(gallery.error());
    if (gallery->version == 0) return fail(errc::not_found, "no such collection: " + collection);
    seen.gallery = *gallery;
    const auto rule = redis.call(picture_store(store).rule_of(collection));
    if (!rule) return fail(rule.error());
    seen.pictures = std::min(rule->pictures, gallery->faces);
    if (seen.faces_without() == 0) return seen;
    std::string cursor;
    do {
        const auto some = redis.call(picture_store(store).people_without(collection, cursor));
        if (!some) return fail(some.error());
        for (const std::string& label : some->labels) {
            if (seen.without.empty() || seen.without.back() != label) seen.without.push_back(label);
        }
        cursor = some->cursor;
    } while (!cursor.empty());
    return seen;
}

section people_without(const findings& seen) {
    section shown{std::to_string(seen.faces_without()) + " of " +
                      std::to_string(seen.gallery.faces) +
                      " faces have no picture and cannot be embedded again. Of:",
                  {{{"person"}}, {}},
                  ""};
    for (const std::string& label : seen.without) shown.rows.rows.push_back({label});
    return shown;
}

void put_findings(json_text& out, const arguments& asked, const findings& seen) {
    out.key("collection").text(asked.subject).key("embedder").text(asked.embedder);
    out.key("embedding_model").text(seen.gallery.embedding_model);
    out.key("faces").number(seen.gallery.faces).key("pictures").number(seen.pictures);
    out.key("people_without_pictures").open_array();
    for (const std::string& label : seen.without) out.text(label);
    out.close_array();
}

result<std::string> submit(const arguments& asked, const target& where, redis_blocking& redis,
                           const store_context& store) {
    json_text options;
    options.open_object().key("embedder").text(asked.embedder);
    if (asked.forget_unpictured) options.key("forget_without_pictures").truth(true);
    new_job job;
    job.id = new_job_id(unix_now(), store.shard());
    job.type = job_type::reembed;
    job.collection = asked.subject;
    job.client = who();
    job.options = options.close_object().str();
    const auto made = redis.call(
        submission_store(store).accept(std::move(job), limits::queue_jobs, limits::queue_bytes));
    if (!made) return fail(made.error());
    zmq_context context;
    if (auto broker = broker_admin::open(context, where.broker, where.curve)) {
        broker->submit(made->job_id, store.shard());
    }
    return made->job_id;
}

/// The job when it has ended, or as it is when the user stops waiting.
result<job_record> wait_for(const std::string& id, redis_blocking& redis,
                            const store_context& store, const listener& on) {
    while (true) {
        auto job = redis.call(job_reader(store).job(id));
        if (!job && !retryable(job.error().code)) return job;
        if (job && (is_terminal(job->state) || on.stopped())) return job;
        if (job && job->faces_staged_of > 0) {
            on.progress(job->faces_staged, job->faces_staged_of, "faces");
        }
        ::poll(nullptr, 0, static_cast<int>(look_every.count()));
        if (!job && on.stopped()) return job;
    }
}

/// Faces that went with the exchange, from the result of the job.
std::uint64_t left_out_of(const job_record& job) {
    constexpr std::string_view key = "\"left_out\":";
    const std::size_t at = job.result.find(key);
    std::uint64_t count = 0;
    if (at == std::string::npos) return count;
    const char* const end = job.result.data() + job.result.size();
    std::from_chars(job.result.data() + at + key.size(), end, count);
    return count;
}

/// A sentence about the job as it is now.
std::string told(const job_record& job, const arguments& asked) {
    if (job.state == job_state::succeeded) {
        std::string text = asked.subject + " has the model " + asked.embedder + ": " +
                           std::to_string(job.faces) + " faces";
        if (const std::uint64_t left_out = left_out_of(job); left_out > 0) {
            text += ", " + std::to_string(left_out) + " without a usable picture removed";
        }
        return text;
    }
    const std::string state(name_of(job.state));
    if (!is_terminal(job.state)) {
        std::string text = "job " + job.id + " is " + state;
        if (!job.waits_for.empty()) text += ": no worker has " + job.waits_for;
        return text + "; the collection answers with its old model until then";
    }
    const std::string detail = json_member(job.error, "detail");
    return asked.subject + " keeps its model: job " + job.id + " is " + state +
           (detail.empty() ? "" : ", " + detail);
}

}  // namespace

result<report> change_model(const arguments& asked, const target& where, redis_blocking& redis,
                            const store_context& store, const listener& on) {
    const auto seen = look_at(asked.subject, redis, store);
    if (!seen) return fail(seen.error());
    if (seen->gallery.faces == 0) {
        return fail(errc::wrong_state, asked.subject + " has no faces; its first face chooses");
    }
    if (seen->gallery.embedding_model == asked.embedder) {
        return fail(errc::wrong_state, asked.subject + " has this model already");
    }
    report made;
    json_text out;
    out.open_object();
    put_findings(out, asked, *seen);
    if (seen->faces_without() > 0) made.sections.push_back(people_without(*seen));
    if (seen->faces_without() > 0 && !asked.forget_unpictured) {
        made.sections.push_back({"",
                                 {},
                                 "nothing was changed; --forget-without-pictures removes these "
                                 "faces, or teach them again with pictures kept (vultusctl "
                                 "pictures " +
                                     asked.subject + " --keep yes)"});
        made.json = out.close_object().str();
        made.bad = true;
        return made;
    }
    const auto id = submit(asked, where, redis, store);
    if (!id) return fail(id.error());
    out.key("job").text(*id);
    if (!asked.wait) {
        made.sections.push_back(
            {"", {}, "job " + *id + " was accepted; vultusctl job " + *id + " shows its progress"});
    } else {
        const auto job = wait_for(*id, redis, store, on);
        if (!job) return fail(job.error());
        made.sections.push_back({"", {}, told(*job, asked)});
        made.bad = is_terminal(job->state) && job->state != job_state::succeeded;
        out.key("state").text(name_of(job->state)).key("faces").number(job->faces);
        out.key("faces_removed").number(left_out_of(*job));
    }
    made.json = out.close_object().str();
    return made;
}

}  // namespace vultus::ctl
