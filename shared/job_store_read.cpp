// The calls that only read: one job, listings, people, galleries, their change log, counters.
#include <algorithm>

#include "shared/job_store.hpp"
#include "shared/job_store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

constexpr std::size_t scan_faces = 500;  ///< 256 kB of vectors a step

void set_field(job_record& job, const std::string& name, std::string value) {
    const auto number = [&] { return std::strtoull(value.c_str(), nullptr, 10); };
    const auto time = [&] { return unix_time(static_cast<std::int64_t>(number())); };
    if (name == "type") {
        if (value == "forget_face") value = "forget";
        job.type = job_type_named(value).value_or(job_type::recognize);
    } else if (name == "state") job.state = job_state_named(value).value_or(job_state::pending);
    else if (name == "collection") job.collection = std::move(value);
    else if (name == "label") job.label = std::move(value);
    else if (name == "label_to") job.label_to = std::move(value);
    else if (name == "options") job.options = std::move(value);
    else if (name == "result") job.result = std::move(value);
    else if (name == "error") job.error = std::move(value);
    else if (name == "worker") job.worker = std::move(value);
    else if (name == "client") job.client = std::move(value);
    else if (name == "traceparent") job.traceparent = std::move(value);
    else if (name == "attempt") job.attempt = number();
    else if (name == "failures") job.failures = number();
    else if (name == "crashes") job.crashes = number();
    else if (name == "solo") job.solo = number() != 0;
    else if (name == "cancel_requested") job.cancel_requested = number() != 0;
    else if (name == "superseded") job.superseded = number() != 0;
    else if (name == "annotated_bytes") job.annotated = number() != 0;
    else if (name == "images") job.images = number();
    else if (name == "min_version") job.min_version = number();
    else if (name == "version") job.version = number();
    else if (name == "created_ms") job.created = time();
    else if (name == "started_ms") job.started = time();
    else if (name == "finished_ms") job.finished = time();
    else if (name == "deadline_ms") job.deadline = time();
    else if (name == "faces") job.faces = number();
    else if (name == "removed") job.removed = std::move(value);
    else if (name == "confirmed") job.confirmed = std::move(value);
}

/// Jobs with their fields, newest first: the listing of the library gives ids, and one command
/// saves a round trip for each. A page looks at 1,000 jobs; `next` is "<created_ms> <id>" of the
/// last one.
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

namespace store_reply {

job_record record_of(std::string id, fields& all) {
    job_record job;
    job.id = std::move(id);
    while (all.more()) {
        const std::string name = all.text();
        set_field(job, name, all.text());
    }
    if (is_change(job.type)) job.removed_faces = job.faces;
    return job;
}

}  // namespace store_reply

redis_call<job_record> job_store::job(std::string_view id) const {
    return function_call<job_record>(
        "job", prefix_, {std::string(id)},
        [id = std::string(id)](const std::string& status, fields& all) -> result<job_record> {
            if (status != "ok") return no_such_job(status);
            const unix_time now = all.time();
            job_record job = record_of(id, all);
            job.read = now;
            return job;
        });
}

redis_call<std::string> job_store::annotated(std::string_view id) const {
    return {{"GET", key("job:" + std::string(id) + ":annotated")},
            [seals = seals_,
             about = about_annotated(id)](redis_reply&& reply) -> result<std::string> {
                if (reply.is_error()) return fail(error_of(reply.text));
                if (reply.type == redis_reply::kind::text) {
                    return seals.open(std::move(reply.text), about);
                }
                return fail(errc::not_found, "Job has no annotated image");
            }};
}

redis_call<job_page> job_store::jobs(std::optional<job_state> state, std::optional<job_type> type,
                                     std::size_t count, const std::string& page) const {
    const std::size_t space = page.find(' ');
    const std::string ms = space == std::string::npos ? "" : page.substr(0, space);
    const std::string last = space == std::string::npos ? "" : page.substr(space + 1);
    const bool number = ms.find_first_not_of("0123456789") == std::string::npos;
    return array_call<job_page>(
        {"EVAL_RO", page_of_jobs, "1", key("queue:all"), key("job:"),
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

redis_call<label_page> job_store::labels(std::string_view collection, std::size_t count,
                                         const std::string& page, bool pictures) const {
    count = std::clamp<std::size_t>(count, 1, limits::page_size);
    std::vector<std::string> words{std::string(collection), page, std::to_string(count)};
    if (pictures) words.push_back("pictures");
    return function_call<label_page>(
        "faces", prefix_, std::move(words),
        [name = std::string(collection), count, pictures](const std::string& status,
                                                          fields& all) -> result<label_page> {
            if (status != "ok") return unexpected_reply(status);
            label_page made;
            made.gallery.collection = name;
            made.gallery.version = all.number();
            made.gallery.faces = all.number();
            made.gallery.people = all.number();
            all.number();
            while (all.more()) {
                label_count& one = made.labels.emplace_back();
                one.label = all.text();
                one.faces = all.number();
                if (pictures) one.picture = all.text();
            }
            if (made.labels.size() >= count) made.next = made.labels.back().label;
            return made;
        });
}

redis_call<std::vector<face_record>> job_store::faces(std::string_view collection,
                                                      std::string_view label,
                                                      bool pictures) const {
    using records = std::vector<face_record>;
    std::vector<std::string> words{std::string(collection), std::string(label)};
    if (pictures) words.push_back("pictures");
    return function_call<records>(
        "label", prefix_, std::move(words),
        [pictures](const std::string& status, fields& all) -> result<records> {
            if (status == "not_found") {
                return fail(errc::not_found, "No person of that name");
            }
            if (status != "ok") return unexpected_reply(status);
            records made;
            all.number();
            all.number();
            while (all.more()) {
                face_record& one = made.emplace_back();
                one.face_id = all.text();
                one.json = all.text();
                if (pictures) one.picture = all.number() != 0;
            }
            return made;
        });
}

redis_call<std::string> job_store::picture(std::string_view collection, std::string_view label,
                                           std::string_view face_id) const {
    return function_call<std::string>(
        "picture", prefix_, {std::string(collection), std::string(label), std::string(face_id)},
        [seals = seals_, bound = about_value(gallery_value::picture, collection, face_id),
         older = older_about_value(gallery_value::picture, face_id)](
            const std::string& status, fields& all) -> result<std::string> {
            if (status == "ok") {
                auto found = seals.open(all.text(), bound, older);
                if (!found) return fail(found.error());
                return std::move(found->bytes);
            }
            if (status == "not_found") return fail(errc::not_found, "This face has no picture");
            return unexpected_reply(status);
        });
}

redis_call<collection_page> job_store::collections(std::size_t count,
                                                   const std::string& page) const {
    count = std::clamp<std::size_t>(count, 1, limits::page_size);
    return function_call<collection_page>(
        "collections", prefix_, {page, std::to_string(count), "models"},
        [count](const std::string& status, fields& all) -> result<collection_page> {
            if (status != "ok") return unexpected_reply(status);
            collection_page made;
            all.number();
            while (all.more()) {
                gallery_info one;
                one.collection = all.text();
                one.version = all.number();
                one.faces = all.number();
                one.people = all.number();
                all.time();
                one.embedding_model = all.text();
                made.collections.push_back(std::move(one));
            }
            if (made.collections.size() >= count) made.next = made.collections.back().collection;
            return made;
        });
}

redis_call<gallery_info> job_store::gallery(std::string_view collection) const {
    return function_call<gallery_info>(
        "version", prefix_, {std::string(collection)},
        [name = std::string(collection)](const std::string& status,
                                         fields& all) -> result<gallery_info> {
            if (status != "ok") return unexpected_reply(status);
            gallery_info made;
            made.collection = name;
            made.version = all.number();
            made.removed_version = all.number();
            made.faces = all.number();
            made.people = all.number();
            made.embedding_model = all.text();
            return made;
        });
}

redis_call<queue_stats> job_store::stats() const {
    return function_call<queue_stats>(
        "stats", prefix_, {}, [](const std::string& status, fields& all) -> result<queue_stats> {
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
            made.finished_total = of["succeeded"] + of["failed"] + of["cancelled"];
            return made;
        });
}

redis_call<gallery_delta> job_store::delta(std::string_view collection,
                                           gallery_version from) const {
    const gallery_version epoch = from / epoch_factor;
    return function_call<gallery_delta>(
        "delta", prefix_,
        {std::string(collection), std::to_string(epoch), std::to_string(from % epoch_factor)},
        [](const std::string& status, fields& all) -> result<gallery_delta> {
            gallery_delta made;
            if (status == "snapshot") {
                made.snapshot = true;
                made.version = all.number();
                return made;
            }
            if (status != "ok") return unexpected_reply(status);
            made.reached = all.number();
            made.version = all.number();
            made.more = made.reached != made.version;
            all.number();
            while (all.more()) {
                log_entry one;
                one.seq = made.reached % epoch_factor;
                one.op = all.text() == "add" ? log_entry::kind::add : log_entry::kind::remove;
                one.face_id = all.text();
                one.label = all.text();
                made.entries.push_back(std::move(one));
            }
            return made;
        });
}

redis_call<std::vector<std::string>> job_store::hash_values(
    std::string hash, const std::vector<std::string>& names) const {
    using texts = std::vector<std::string>;
    std::vector<std::string> words{"HMGET", std::move(hash)};
    words.insert(words.end(), names.begin(), names.end());
    return array_call<texts>(std::move(words), [](fields& all) -> result<texts> {
        texts made;
        for (redis_reply& one : all.items()) made.push_back(std::move(one.text));
        return made;
    });
}

redis_call<std::vector<std::string>> job_store::vectors(
    std::string_view collection, std::uint64_t epoch,
    const std::vector<std::string>& face_ids) const {
    using texts = std::vector<std::string>;
    auto call = hash_values(epoch_key(collection, epoch, "vectors"), face_ids);
    call.parse = [seals = seals_, face_ids, of = std::string(collection),
                  parse = std::move(call.parse)](redis_reply&& reply) -> result<texts> {
        result<texts> found = parse(std::move(reply));
        for (std::size_t i = 0; found && i < found->size() && i < face_ids.size(); ++i) {
            auto vector = seals.open(std::move((*found)[i]),
                                     about_value(gallery_value::vector, of, face_ids[i]),
                                     older_about_value(gallery_value::vector, face_ids[i]));
            if (!vector && !seals.seals()) return fail(vector.error());
            (*found)[i] = vector ? std::move(vector->bytes) : std::string();
        }
        return found;
    };
    return call;
}

redis_call<std::vector<std::string>> job_store::face_json(
    std::string_view collection, std::uint64_t epoch,
    const std::vector<std::string>& face_ids) const {
    return hash_values(epoch_key(collection, epoch, "faces"), face_ids);
}

redis_call<gallery_chunk> job_store::scan(std::string_view collection, std::uint64_t epoch,
                                          gallery_value what, const std::string& cursor) const {
    return array_call<gallery_chunk>(
        {"HSCAN", epoch_key(collection, epoch, part_of(what)), cursor, "COUNT",
         std::to_string(scan_faces)},
        [seals = seals_, what, of = std::string(collection), cursor](
            fields& all) -> result<gallery_chunk> {
            if (all.items().size() != 2) return unexpected_reply("HSCAN");
            gallery_chunk made;
            made.cursor = all.text();
            if (!is_next_cursor(made.cursor, cursor)) return unexpected_reply("HSCAN");
            auto& pairs = all.items()[1].items;
            for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
                std::string& id = pairs[i].text;
                std::string& stored = pairs[i + 1].text;
                auto value = seals.open(std::move(stored), about_value(what, of, id),
                                        older_about_value(what, id));
                if (!value && !seals.seals()) return fail(value.error());
                if (!value) {
                    made.foreign.push_back(std::move(id));
                    continue;
                }
                if (seals.seals() && !value->bound) made.unbound.push_back(made.fields.size());
                made.fields.emplace_back(std::move(id), std::move(value->bytes));
            }
            return made;
        });
}

std::string job_store::epoch_key(std::string_view collection, std::uint64_t epoch,
                                 std::string_view what) const {
    return key("gallery:" + std::string(collection) + ":" + std::to_string(epoch) + ":" +
               std::string(what));
}

}  // namespace vultus
