// See commands.hpp.
#include "clients/ctl/commands.hpp"

#include <poll.h>
#include <algorithm>
#include <iterator>

#include "clients/ctl/brokers/broker_admin.hpp"
#include "clients/ctl/brokers/workers.hpp"
#include "clients/ctl/keys/curve.hpp"
#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/keys/users.hpp"
#include "clients/ctl/models/change_model.hpp"
#include "clients/ctl/models/model_files.hpp"
#include "clients/ctl/models/models.hpp"
#include "clients/ctl/privacy/audit.hpp"
#include "clients/ctl/privacy/clock.hpp"
#include "clients/ctl/privacy/encrypt.hpp"
#include "clients/ctl/privacy/erasure.hpp"
#include "clients/ctl/privacy/names.hpp"
#include "clients/ctl/privacy/pictures.hpp"
#include "clients/ctl/privacy/retention.hpp"
#include "clients/ctl/transfer/import.hpp"
#include "clients/ctl/transfer/transfer.hpp"
#include "shared/base/require.hpp"
#include "shared/model/label.hpp"
#include "shared/model/page_token.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/operator_store.hpp"
#include "shared/store/person_store.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::ctl {
namespace {

constexpr std::chrono::milliseconds broker_patience{1'000};
constexpr std::chrono::milliseconds drain_patience{5'000};
constexpr std::chrono::milliseconds drain_step{50};
constexpr std::size_t rows_by_default = 50;

result<report> status(const target& where, redis_blocking& redis, const store_context& store) {
    status_view seen;
    auto queue = redis.call(job_reader(store).stats());
    if (!queue) return fail(queue.error());
    seen.queue = std::move(*queue);
    auto collections = redis.call(gallery_reader(store).collections(limits::page_size, ""));
    if (!collections) return fail(collections.error());
    seen.collections = std::move(collections->collections);
    zmq_context context;
    if (auto broker = broker_admin::open(context, where.broker, where.curve)) {
        if (auto reply = broker->status(broker_patience)) {
            seen.from_broker = true;
            for (auto& worker : reply->workers) seen.workers.push_back({std::move(worker), {}});
            return status_report(seen);
        }
    }
    auto workers = registered_workers(redis, store, seen.queue.now);
    if (!workers) return fail(workers.error());
    seen.workers = std::move(*workers);
    return status_report(seen);
}

/// The cursor in --page, which check() verified.
std::string page_of(const arguments& asked) {
    return cursor_in(asked.page).value_or("");
}

result<report> jobs(const arguments& asked, redis_blocking& redis, const store_context& store) {
    auto now = redis.call(store_schema(store).time());
    if (!now) return fail(now.error());
    const std::size_t most = asked.count == 0 ? rows_by_default : asked.count;
    job_page seen{{}, page_of(asked)};
    // One call scans 1,000 jobs, however few of them match.
    do {
        auto some = redis.call(job_reader(store).jobs(job_state_named(asked.state),
                                                      job_type_named(asked.type),
                                                      most - seen.jobs.size(), seen.next));
        if (!some) return fail(some.error());
        seen.next = std::move(some->next);
        std::move(some->jobs.begin(), some->jobs.end(), std::back_inserter(seen.jobs));
    } while (seen.jobs.size() < most && !seen.next.empty());
    return jobs_report(seen, *now);
}

result<report> faces(const arguments& asked, redis_blocking& redis, const store_context& store) {
    const auto people = redis.call(
        person_store(store).list(asked.subject, folded_name(asked.search),
                                 asked.count == 0 ? rows_by_default : asked.count, page_of(asked)));
    if (!people) return fail(people.error());
    label_page page;
    for (const person_record& one : people->rows) {
        page.labels.push_back({one.key, one.faces, "", one.person_id});
    }
    page.next = people->next;
    const auto now = redis.call(gallery_reader(store).gallery(asked.subject));
    if (!now) return fail(now.error());
    page.gallery = *now;
    return faces_report(asked.subject, page);
}

result<report> person(const arguments& asked, redis_blocking& redis, const store_context& store) {
    const std::string collection = asked.collection.empty() ? "default" : asked.collection;
    const auto by = asked.external ? person_by::external_id : person_by::id;
    const auto found = redis.call(person_store(store).find(collection, by, asked.subject));
    if (!found) return fail(found.error());
    return person_report(collection, found->front());
}

result<report> fsck(const arguments& asked, redis_blocking& redis, const store_context& store) {
    std::vector<std::string> findings;
    std::string cursor;
    do {
        auto step = redis.call(operator_store(store).fsck(cursor, limits::page_size, asked.quiet));
        if (!step) return fail(step.error());
        cursor = step->first;
        findings.insert(findings.end(), step->second.begin(), step->second.end());
    } while (!cursor.empty());
    const auto old = find_old_names(redis, store);
    if (!old) return fail(old.error());
    for (const old_name& one : *old) findings.push_back(finding_of(one));
    if (!asked.encryption_key.empty()) {
        const auto foreign = foreign_values(redis, store);
        if (!foreign) return fail(foreign.error());
        findings.insert(findings.end(), foreign->begin(), foreign->end());
    }
    return fsck_report(findings);
}

result<report> changed(const std::string& id, const result<std::string>& answer) {
    if (!answer) return fail(answer.error());
    return change_report(id, *answer);
}

/// The worker's state as the broker reports it; "gone" if it reports no such worker.
std::string state_in(const protocol::status_reply& reply, const std::string& worker_id) {
    const auto found = std::find_if(reply.workers.begin(), reply.workers.end(),
                                    [&](const auto& w) { return w.worker_id == worker_id; });
    return found == reply.workers.end() ? "gone" : found->state;
}

result<report> drain(const std::string& worker_id, const target& where) {
    zmq_context context;
    auto broker = broker_admin::open(context, where.broker, where.curve);
    if (!broker) return fail(broker.error());
    auto before = broker->status(broker_patience);
    if (!before)
        return fail(errc::store_unavailable, "broker at " + where.broker + " does not reply");
    if (state_in(*before, worker_id) == "gone") {
        return fail(errc::no_worker, "broker has no worker " + worker_id);
    }
    broker->drain(worker_id, broker_patience);
    const boot_time deadline = boot_now() + drain_patience;
    while (boot_now() < deadline) {
        const auto reply = broker->status(broker_patience);
        const std::string state = reply ? state_in(*reply, worker_id) : "";
        if (state == "draining" || state == "gone") return drain_report(worker_id, state);
        ::poll(nullptr, 0, static_cast<int>(drain_step.count()));
    }
    return fail(errc::unknown_outcome, "drain requested, not yet confirmed by the broker");
}

}  // namespace

result<report> carry_out(const arguments& asked, const target& where, redis_blocking& redis,
                         const store_context& store, const listener& on) {
    const std::string& id = asked.subject;
    switch (asked.what) {
        case command::status:
            return status(where, redis, store);
        case command::jobs:
            return jobs(asked, redis, store);
        case command::faces:
            return faces(asked, redis, store);
        case command::person:
            return person(asked, redis, store);
        case command::fsck:
            return fsck(asked, redis, store);
        case command::drain:
            return drain(id, where);
        case command::cancel:
            return changed(id, redis.call(submission_store(store).cancel(id, who())));
        case command::kick:
            return changed(id, redis.call(operator_store(store).kick(id, who())));
        case command::bury:
            return changed(id, redis.call(operator_store(store).bury(id, who())));
        case command::remove:
            return changed(id, redis.call(operator_store(store).remove(id, who())));
        case command::job: {
            auto job = redis.call(job_reader(store).job(id));
            if (!job) return fail(job.error());
            return job_report(*job);
        }
        case command::save:
            return export_faces(id, asked.file, redis, store, on);
        case command::restore:
        case command::import: {
            const auto secret = label_secret(asked.key.secret);
            if (!secret) return fail(secret.error());
            if (asked.what == command::restore) {
                return restore_faces(id, asked.file, *secret, redis, store, on);
            }
            const auto& from = asked.importing;
            return import_photos({{from.from, asked.file, from.key_file, from.authorities},
                                  id,
                                  asked.detector,
                                  asked.rotate,
                                  asked.quality,
                                  where.broker,
                                  *secret,
                                  where.curve,
                                  from.journal,
                                  from.dry_run},
                                 redis, store, on);
        }
        case command::encrypt:
            return encrypt_faces(redis, store, on);
        case command::encryption_key:
            return make_encryption_key(asked.file);
        case command::retention:
            return retention(asked, redis, store);
        case command::pictures:
            return pictures(asked, redis, store);
        case command::names:
            return names(asked, redis, store);
        case command::clock_show:
        case command::clock_accept:
            return clock(asked, redis, store);
        case command::models_list:
        case command::models_default:
            return models(asked, redis, store);
        case command::models_fetch:
        case command::models_check:
        case command::models_bench:
        case command::models_add:
            return model_files(asked);
        case command::collection_model:
            return change_model(asked, where, redis, store, on);
        case command::erasure:
            return erasure(asked, redis, store, on);
        case command::audit:
            return audit(asked, redis, store);
        case command::key_create:
        case command::key_list:
        case command::key_revoke:
        case command::key_rotate:
            return keys(asked, redis, store);
        case command::user_add:
        case command::user_list:
        case command::user_password:
        case command::user_remove:
        case command::user_setup:
            return users(asked, redis, store);
        case command::curve_make:
        case command::curve_allow:
        case command::curve_remove:
        case command::curve_list:
            return curve(asked);
        case command::tail:
            break;
    }
    VULTUS_REQUIRE(false, "tail is follow()'s");
    return fail(errc::internal);
}

}  // namespace vultus::ctl
