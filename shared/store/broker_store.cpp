// See broker_store.hpp.
#include "shared/store/broker_store.hpp"

#include <algorithm>

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

leased_job leased_job_of(fields& all) {
    leased_job job;
    job.job_id = all.text();
    job.attempt = all.number();
    const auto type = job_type_named(all.text());
    if (!type) all.set_bad();
    job.type = type.value_or(job_type::recognize);
    job.collection = all.text();
    all.text();  // priority: decided already
    job.min_version = all.number();
    job.lease_until = all.time();
    job.deadline = all.time();
    job.solo = all.text() == "1";
    job.traceparent = all.text();
    return job;
}

/// The detectors whose jobs are for a GPU, as the function takes them.
std::string gpu_detectors() {
    std::vector<std::string> names;
    for (const std::string_view one : detector_names) {
        if (preferred_device(one) == device_kind::gpu) names.emplace_back(one);
    }
    return joined(names, ',');
}

/// The rest of the reply is numbers of things moved.
void add_counts(moved& what, fields& all, std::size_t most) {
    while (all.more()) {
        const std::uint64_t count = all.number();
        what.count += count;
        if (most > 0 && count >= most) what.again = true;
    }
}

result<moved> read_timer(const std::string& status, fields& all, std::size_t most) {
    moved what;
    if (status != "ok" && status != "grace") return unexpected_reply(status);
    what.now = all.time();
    what.grace = status == "grace";
    if (!what.grace) add_counts(what, all, most);
    return what;
}

}  // namespace

redis_call<leased_jobs> broker_store::lease(const lease_request& wanted) const {
    return function_call<leased_jobs>(
        "lease", context_.prefix(),
        {wanted.worker_id, connection_number(wanted.connection), std::to_string(wanted.outstanding),
         std::to_string(std::min<std::size_t>(wanted.most, limits::jobs_per_message)),
         text_of(wanted.lease), joined(wanted.types, ','),
         wanted.prefer ? std::string(name_of(*wanted.prefer)) : "", std::to_string(wanted.spill),
         gpu_detectors()},
        [](const std::string& status, fields& all) -> result<leased_jobs> {
            if (status == "gone") return fail(errc::not_registered, "worker not registered");
            if (status == "stale") return fail(errc::stale, "worker has a newer connection");
            if (status != "ok") return unexpected_reply(status);
            all.time();
            leased_jobs leased;
            leased.jobs.resize(std::min<std::size_t>(all.number(), limits::jobs_per_message));
            for (leased_job& one : leased.jobs) one = leased_job_of(all);
            leased.left = all.number();
            if (all.more()) leased.passed = all.number();
            return leased;
        });
}

redis_call<moved> broker_store::reap(unix_time expected_now,
                                     std::chrono::milliseconds lease) const {
    return function_call<moved>(
        "reap", context_.prefix(),
        {text_of(expected_now), std::to_string(limits::reap_batch), text_of(lease)},
        [](const std::string& status, fields& all) -> result<moved> {
            auto what = read_timer(status, all, 0);
            if (what) what->again = what->count >= limits::reap_batch;
            return what;
        });
}

redis_call<moved> broker_store::barrier(unix_time expected_now) const {
    return function_call<moved>("barrier", context_.prefix(),
                                {text_of(expected_now), text_of(limits::lease)},
                                [](const std::string& status, fields& all) {
                                    return read_timer(status, all, limits::reap_batch);
                                });
}

redis_call<moved> broker_store::worker_lost(std::string_view worker_id,
                                            std::string_view connection) const {
    return function_call<moved>("worker_lost", context_.prefix(),
                                {std::string(worker_id), connection_number(connection)},
                                [](const std::string& status, fields& all) -> result<moved> {
                                    if (status == "stale")
                                        return fail(errc::stale, "worker has a newer connection");
                                    if (status != "ok") return unexpected_reply(status);
                                    moved what;
                                    add_counts(what, all, 0);
                                    what.again = what.count >= limits::reap_batch;
                                    return what;
                                });
}

redis_call<moved> broker_store::gc(std::chrono::milliseconds retention, std::size_t jobs_max,
                                   std::size_t bytes_max) const {
    return function_call<moved>(
        "gc", context_.prefix(),
        {std::to_string(limits::collect_batch), text_of(retention), std::to_string(jobs_max),
         std::to_string(bytes_max), text_of(limits::annotated_retention),
         std::to_string(limits::annotated_total_bytes), text_of(limits::dead_retention),
         std::to_string(limits::dead_bytes)},
        [](const std::string& status, fields& all) -> result<moved> {
            if (status != "ok") return unexpected_reply(status);
            moved what;
            add_counts(what, all, limits::collect_batch);
            return what;
        });
}

}  // namespace vultus
