// See job_reader.hpp.
#include "shared/store/job_reader.hpp"

#include <algorithm>

#include "shared/base/limits.hpp"
#include "shared/store/sealed_place.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

/// The field of that name, of those that are texts; null: it is none of them.
std::string* text_field(job_record& job, std::string_view name) {
    static constexpr std::pair<std::string_view, std::string job_record::*> texts[] = {
        {"collection", &job_record::collection},
        {"label", &job_record::label},
        {"label_to", &job_record::label_to},
        {"person_id", &job_record::person_id},
        {"options", &job_record::options},
        {"result", &job_record::result},
        {"error", &job_record::error},
        {"detector", &job_record::detector},
        {"embedder", &job_record::embedder},
        {"waits_for", &job_record::waits_for},
        {"worker", &job_record::worker},
        {"client", &job_record::client},
        {"traceparent", &job_record::traceparent},
        {"removed", &job_record::removed},
        {"confirmed", &job_record::confirmed},
    };
    for (const auto& [known, field] : texts) {
        if (known == name) return &(job.*field);
    }
    return nullptr;
}

void set_field(job_record& job, const std::string& name, std::string value) {
    const auto number = [&] { return std::strtoull(value.c_str(), nullptr, 10); };
    const auto time = [&] { return unix_time(static_cast<std::int64_t>(number())); };
    if (std::string* text = text_field(job, name)) {
        *text = std::move(value);
    } else if (name == "type") {
        if (value == "forget_face") value = "forget";
        job.type = job_type_named(value).value_or(job_type::recognize);
    } else if (name == "state")
        job.state = job_state_named(value).value_or(job_state::pending);
    else if (name == "attempt")
        job.attempt = number();
    else if (name == "failures")
        job.failures = number();
    else if (name == "crashes")
        job.crashes = number();
    else if (name == "solo")
        job.solo = number() != 0;
    else if (name == "cancel_requested")
        job.cancel_requested = number() != 0;
    else if (name == "superseded")
        job.superseded = number() != 0;
    else if (name == "annotated_bytes")
        job.annotated = number() != 0;
    else if (name == "images")
        job.images = number();
    else if (name == "min_version")
        job.min_version = number();
    else if (name == "version")
        job.version = number();
    else if (name == "created_ms")
        job.created = time();
    else if (name == "started_ms")
        job.started = time();
    else if (name == "finished_ms")
        job.finished = time();
    else if (name == "deadline_ms")
        job.deadline = time();
    else if (name == "faces")
        job.faces = number();
    else if (name == "staged")
        job.faces_staged = number();
    else if (name == "staged_of")
        job.faces_staged_of = number();
    else if (name == "keep_pictures")
        job.keep_pictures = value == "1";
}

/// Jobs with their fields, newest first: the function `list` returns ids, and this one command
/// saves a round trip for each. A page reads 1,000 jobs; `next` is "<created_ms> <id>" of the last
/// one.
constexpr const char* page_of_jobs = R"(
local all, job = KEYS[1], ARGV[1]
local state, kind, count, ms, last = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local from = ms == '' and '+inf' or ms
local seen = redis.call('ZREVRANGEBYSCORE', all, from, '-inf', 'WITHSCORES', 'LIMIT', 0, 1000)
local out, found = {''}, 0
for i = 1, #seen, 2 do
  local id, at = seen[i], seen[i + 1]
  if ms == '' or tonumber(at) < tonumber(ms) or id < last then
    if found == count then return out end
    local have = redis.pcall('HMGET', job .. id, 'state', 'type')
    if have[1] and (state == '' or state == have[1]) and
       (kind == '' or kind == have[2] or (kind == 'forget' and have[2] == 'forget_face')) then
      found = found + 1
      local fields = redis.call('HGETALL', job .. id)
      table.insert(fields, 1, id)
      out[#out + 1] = fields
    end
    out[1] = string.format('%.0f', tonumber(at)) .. ' ' .. id
  end
end
if #seen < 2000 then out[1] = '' end
return out)";

}  // namespace

job_record store_reply::record_of(std::string id, fields& all) {
    job_record job;
    job.id = std::move(id);
    while (all.more()) {
        const std::string name = all.text();
        set_field(job, name, all.text());
    }
    if (is_change(job.type)) job.removed_faces = job.faces;
    return job;
}

redis_call<job_record> job_reader::job(std::string_view id) const {
    return function_call<job_record>(
        "job", context_.prefix(), {std::string(id)},
        [id = std::string(id)](const std::string& status, fields& all) -> result<job_record> {
            if (status != "ok") return no_such_job(status);
            const unix_time now = all.time();
            job_record job = record_of(id, all);
            job.read = now;
            return job;
        });
}

redis_call<std::vector<job_outcome>> job_reader::outcomes(
    const std::vector<std::string>& ids) const {
    using all_outcomes = std::vector<job_outcome>;
    return function_call<all_outcomes>(
        "outcomes", context_.prefix(), ids,
        [ids](const std::string& status, fields& all) -> result<all_outcomes> {
            if (status != "ok" || all.number() != ids.size()) return unexpected_reply(status);
            all_outcomes found(ids.size());
            for (std::size_t i = 0; i < ids.size(); ++i) {
                job_outcome& one = found[i];
                one.job.id = ids[i];
                for (const char* name : {"state", "type", "collection", "label", "label_to",
                                         "faces", "version", "superseded", "person_id", "result"}) {
                    std::string value = all.text();
                    if (std::string_view(name) == "state") one.found = !value.empty();
                    if (!value.empty()) set_field(one.job, name, std::move(value));
                }
                one.result_fits = !one.job.result.empty();
                one.gallery = all.number();
                one.removed_version = all.number();
            }
            return found;
        });
}

redis_call<std::string> job_reader::annotated(std::string_view id) const {
    return {{"GET", context_.key("job:" + std::string(id) + ":annotated")},
            [seals = context_.seals(),
             about = about_annotated(id)](redis_reply&& reply) -> result<std::string> {
                if (reply.is_error()) return fail(error_of(reply.text));
                if (reply.type == redis_reply::kind::text) {
                    return seals.open(std::move(reply.text), about);
                }
                return fail(errc::not_found, "Job has no annotated image");
            }};
}

redis_call<job_page> job_reader::jobs(std::optional<job_state> state, std::optional<job_type> type,
                                      std::size_t count, const std::string& page) const {
    const std::size_t space = page.find(' ');
    const std::string ms = space == std::string::npos ? "" : page.substr(0, space);
    const std::string last = space == std::string::npos ? "" : page.substr(space + 1);
    const bool number = ms.find_first_not_of("0123456789") == std::string::npos;
    return array_call<job_page>(
        {"EVAL_RO", page_of_jobs, "1", context_.key("queue:all"), context_.key("job:"),
         state ? std::string(name_of(*state)) : "", type ? std::string(name_of(*type)) : "",
         std::to_string(std::min(count, limits::page_size)), number ? ms : "", last},
        [](fields& all) -> result<job_page> {
            job_page made;
            made.next = all.text();
            for (std::size_t i = 1; i < all.items().size(); ++i) {
                fields one(std::move(all.items()[i].items));
                std::string id = one.text();
                made.jobs.push_back(record_of(std::move(id), one));
            }
            return made;
        });
}

redis_call<queue_stats> job_reader::stats() const {
    return function_call<queue_stats>(
        "stats", context_.prefix(), {},
        [](const std::string& status, fields& all) -> result<queue_stats> {
            if (status != "ok") return unexpected_reply(status);
            queue_stats made;
            made.now = all.time();
            while (all.more()) {
                std::string name = all.text();
                made.counters[std::move(name)] = all.number();
            }
            auto& of = made.counters;
            made.interactive = of["pending_interactive"];
            made.bulk = of["pending_bulk"];
            made.running = of["running"];
            made.delayed = of["delayed"];
            made.publishing = of["publishing"];
            made.bytes = of["bytes"];
            made.finished_bytes = of["finished_bytes"];
            made.oldest_pending = unix_time(static_cast<std::int64_t>(of["oldest_pending_ms"]));
            made.dead = of["dead"];
            made.waiting_for_model = of["waiting_for_model"];
            constexpr std::string_view of_model = "waiting_for:";
            for (const auto& [name, jobs] : of) {
                if (name.starts_with(of_model)) {
                    made.waiting_for[name.substr(of_model.size())] = jobs;
                }
            }
            made.finished_total = of["succeeded"] + of["failed"] + of["cancelled"];
            return made;
        });
}

}  // namespace vultus
