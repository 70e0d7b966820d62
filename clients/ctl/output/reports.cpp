// See reports.hpp.
#include "clients/ctl/output/reports.hpp"

#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/model/page_token.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/service_clock.hpp"

namespace vultus::ctl {
namespace {

std::string count(std::uint64_t n) {
    return std::to_string(n);
}

void time_field(json_text& out, std::string_view name, unix_time when) {
    out.key(name);
    if (when.count() == 0) {
        out.null();
    } else {
        out.text(rfc3339(when));
    }
}

void stored_field(json_text& out, std::string_view name, const std::string& json) {
    if (!json.empty()) out.key(name).stored(json);
}

void text_field(json_text& out, std::string_view name, const std::string& text) {
    if (!text.empty()) out.key(name).text(text);
}

void job_object(json_text& out, const job_record& job) {
    out.open_object().key("id").text(job.id).key("type").text(name_of(job.type));
    out.key("state").text(name_of(job.state)).key("collection").text(job.collection);
    time_field(out, "created_at", job.created);
    time_field(out, "started_at", job.started);
    time_field(out, "finished_at", job.finished);
    time_field(out, "deadline_at", job.deadline);
    out.key("attempt").number(job.attempt).key("failures").number(job.failures);
    out.key("crashes").number(job.crashes).key("solo").truth(job.solo);
    out.key("cancel_requested").truth(job.cancel_requested).key("superseded").truth(job.superseded);
    out.key("min_version").number(job.min_version).key("version").number(job.version);
    out.key("removed_faces").number(job.removed_faces);
    text_field(out, "label", std::string(name_of_key(job.label)));
    text_field(out, "worker", job.worker);
    text_field(out, "client", job.client);
    text_field(out, "traceparent", job.traceparent);
    stored_field(out, "options", job.options);
    stored_field(out, "result", job.result);
    stored_field(out, "error", job.error);
    out.close_object();
}

void gallery_fields(json_text& out, const gallery_info& gallery) {
    out.key("collection").text(gallery.collection).key("version").number(gallery.version);
    out.key("removed_version").number(gallery.removed_version).key("people").number(gallery.people);
    out.key("faces").number(gallery.faces);
    text_field(out, "embedding_model", gallery.embedding_model);
    if (gallery.dimension > 0) out.key("dimension").number(gallery.dimension);
}

std::string versions_text(const protocol::versions& galleries) {
    std::string out;
    for (const auto& [collection, version] : galleries) {
        out += (out.empty() ? "" : " ") + collection + "@" + std::to_string(version);
    }
    return out;
}

table queue_table(const queue_stats& queue) {
    table rows{{{"queue"}, {"jobs", side::right}}, {}};
    rows.rows = {{"pending, interactive", count(queue.interactive)},
                 {"pending, bulk", count(queue.bulk)},
                 {"running", count(queue.running)},
                 {"delayed", count(queue.delayed)},
                 {"publishing", count(queue.publishing)},
                 {"dead", count(queue.dead)},
                 {"finished in total", count(queue.finished_total)}};
    return rows;
}

/// "cuda:0 (NVIDIA T4, 15109 MiB, compute 7.5; 3.1 GiB free)"
std::string device_text(const protocol::worker_status& w) {
    if (w.gpu.empty()) return w.device;
    std::string text = w.device + " (" + w.gpu;
    if (w.load.gpu_bytes > 0) text += "; " + bytes(w.load.gpu_free_bytes) + " free";
    return text + ')';
}

/// Faces per batch, with one decimal; empty before the first batch.
std::string batch_text(const protocol::worker_load& load) {
    if (load.batches == 0) return {};
    const std::uint64_t tenths = load.faces * 10 / load.batches;
    return count(tenths / 10) + '.' + count(tenths % 10);
}

table worker_table(const status_view& seen) {
    table rows{{{"worker"},
                {"device"},
                {"state"},
                {"jobs", side::right},
                {seen.from_broker ? "seen" : "lapses in", side::right}},
               {}};
    if (seen.from_broker) {
        for (const char* name : {"photos", "faces", "per batch"}) {
            rows.header.push_back({name, side::right});
        }
    }
    rows.header.push_back({"galleries"});
    for (const worker_row& one : seen.workers) {
        const protocol::worker_status& w = one.status;
        std::string when = about(std::chrono::milliseconds(w.last_seen_ms));
        if (one.lapses_in_ms) {
            when = *one.lapses_in_ms > 0 ? about(std::chrono::milliseconds(*one.lapses_in_ms))
                                         : "lapsed";
        }
        std::string jobs = count(w.outstanding);
        if (w.window > 0) (jobs += '/') += count(w.window);
        rows.rows.push_back({w.worker_id, device_text(w), w.state, jobs, when});
        auto& row = rows.rows.back();
        if (seen.from_broker) {
            row.insert(row.end(), {count(w.load.photos), count(w.load.faces), batch_text(w.load)});
        }
        row.push_back(versions_text(w.galleries));
    }
    return rows;
}

void queue_object(json_text& out, const queue_stats& queue) {
    out.open_object().key("pending_interactive").number(queue.interactive);
    out.key("pending_bulk").number(queue.bulk).key("running").number(queue.running);
    out.key("delayed").number(queue.delayed).key("publishing").number(queue.publishing);
    out.key("dead").number(queue.dead).key("bytes").number(queue.bytes);
    out.key("finished_bytes").number(queue.finished_bytes);
    out.key("finished_total").number(queue.finished_total);
    time_field(out, "now", queue.now);
    time_field(out, "oldest_pending_at", queue.oldest_pending);
    out.key("counters").open_object();
    for (const auto& [name, value] : queue.counters) out.key(name).number(value);
    out.close_object().close_object();
}

void load_object(json_text& out, const protocol::worker_load& load) {
    out.key("load").open_object().key("batches").number(load.batches);
    out.key("faces").number(load.faces).key("photos").number(load.photos);
    out.key("decoders_lost").number(load.decoders_lost);
    if (load.gpu_bytes > 0) {
        out.key("card_bytes").number(load.gpu_bytes);
        out.key("card_free_bytes").number(load.gpu_free_bytes);
    }
    out.close_object();
}

void worker_object(json_text& out, const worker_row& row) {
    const protocol::worker_status& w = row.status;
    out.open_object().key("worker_id").text(w.worker_id).key("host").text(w.host);
    out.key("pid").number(static_cast<std::uint64_t>(w.pid < 0 ? 0 : w.pid));
    out.key("device").text(w.device).key("build").text(w.build).key("state").text(w.state);
    if (!w.gpu.empty()) out.key("card").text(w.gpu);
    out.key("outstanding").number(w.outstanding);
    if (row.lapses_in_ms) {
        out.key("lapsed").truth(*row.lapses_in_ms <= 0);
    } else {
        out.key("window").number(w.window).key("frames").number(w.frames);
        out.key("last_seen_ms")
            .number(static_cast<std::uint64_t>(w.last_seen_ms < 0 ? 0 : w.last_seen_ms));
        load_object(out, w.load);
    }
    out.key("galleries").open_object();
    for (const auto& [collection, version] : w.galleries) out.key(collection).number(version);
    out.close_object().close_object();
}

}  // namespace

std::string print(const report& what, bool json) {
    if (json) return what.json + "\n";
    std::string out;
    for (const section& part : what.sections) {
        if (!out.empty()) out += "\n";
        if (!part.title.empty()) out += part.title + "\n";
        if (!part.rows.header.empty()) out += print(part.rows);
        if (!part.text.empty()) out += visible(part.text) + "\n";
    }
    return out;
}

report status_report(const status_view& seen) {
    report out;
    std::string held = "photos stored: " + bytes(seen.queue.bytes) +
                       ", finished jobs: " + bytes(seen.queue.finished_bytes);
    if (seen.queue.oldest_pending.count() > 0) {
        held += ", oldest job waiting for " + about(seen.queue.now - seen.queue.oldest_pending);
    }
    const std::string clock = description_of(clock_state_of(seen.queue));
    if (!clock.empty()) out.sections.push_back({"", {}, clock});
    out.sections.push_back({"", queue_table(seen.queue), held});
    const char* source = seen.from_broker ? "workers, from the broker"
                                          : "workers, from Redis (the broker did not reply)";
    out.sections.push_back({source, worker_table(seen), {}});
    table galleries{
        {{"collection"}, {"people", side::right}, {"faces", side::right}, {"version", side::right}},
        {}};
    json_text json;
    json.open_object().key("queue");
    queue_object(json, seen.queue);
    json.key("workers_from")
        .text(seen.from_broker ? "broker" : "redis")
        .key("workers")
        .open_array();
    for (const worker_row& row : seen.workers) worker_object(json, row);
    json.close_array().key("collections").open_array();
    for (const gallery_info& g : seen.collections) {
        galleries.rows.push_back({g.collection, count(g.people), count(g.faces), count(g.version)});
        json.open_object();
        gallery_fields(json, g);
        json.close_object();
    }
    out.sections.push_back({"", galleries, {}});
    out.json = json.close_array().close_object().str();
    return out;
}

report jobs_report(const job_page& page, unix_time now) {
    table rows{{{"id"},
                {"type"},
                {"state"},
                {"collection"},
                {"attempt", side::right},
                {"age", side::right},
                {"worker"}},
               {}};
    json_text json;
    json.open_object().key("jobs").open_array();
    for (const job_record& job : page.jobs) {
        rows.rows.push_back({job.id, std::string(name_of(job.type)),
                             std::string(name_of(job.state)), job.collection, count(job.attempt),
                             about(now - job.created), job.worker});
        job_object(json, job);
    }
    json.close_array().key("next_page_token").text(page_token(page.next)).close_object();
    const std::string more = page.next.empty() ? "" : "next: --page " + page_token(page.next);
    return {{{"", rows, more}}, json.str(), false};
}

report job_report(const job_record& job) {
    table rows{{{"job"}, {job.id}}, {}};
    const auto add = [&rows](std::string name, std::string value) {
        if (!value.empty()) rows.rows.push_back({std::move(name), std::move(value)});
    };
    add("type", std::string(name_of(job.type)));
    add("state", std::string(name_of(job.state)));
    add("collection", job.collection);
    add("label", std::string(name_of_key(job.label)));
    add("created_at", rfc3339(job.created));
    add("started_at", rfc3339(job.started));
    add("finished_at", rfc3339(job.finished));
    add("deadline_at", rfc3339(job.deadline));
    add("attempt", count(job.attempt));
    add("failures", count(job.failures));
    add("crashes", count(job.crashes));
    add("solo", job.solo ? "yes: its worker was lost while it ran with others" : "");
    add("cancel_requested", job.cancel_requested ? "yes" : "");
    add("superseded", job.superseded ? "yes: a later change made it void" : "");
    add("worker", job.worker);
    add("min_version", count(job.min_version));
    add("version", job.version == 0 ? "" : count(job.version));
    add("removed_faces", job.removed_faces == 0 ? "" : count(job.removed_faces));
    add("client", job.client);
    add("traceparent", job.traceparent);
    add("options", job.options);
    add("result", job.result);
    add("error", job.error);
    json_text json;
    job_object(json, job);
    return {{{"", rows, {}}}, json.str(), false};
}

report faces_report(const std::string& collection, const label_page& page) {
    table rows{{{"label"}, {"person_id"}, {"faces", side::right}}, {}};
    gallery_info gallery = page.gallery;
    gallery.collection = collection;
    json_text json;
    json.open_object();
    gallery_fields(json, gallery);
    json.key("labels").open_array();
    for (const label_count& label : page.labels) {
        const std::string name(name_of_key(label.label));
        rows.rows.push_back({name, label.person_id, count(label.faces)});
        json.open_object()
            .key("label")
            .text(name)
            .key("person_id")
            .text(label.person_id)
            .key("faces")
            .number(label.faces)
            .close_object();
    }
    json.close_array().key("next_page_token").text(page_token(page.next)).close_object();
    std::string below = collection + ": " + count(gallery.people) + " people, " +
                        count(gallery.faces) + " faces, version " + count(gallery.version);
    if (gallery.dimension > 0) {
        below += ", " + gallery.embedding_model + " of " + count(gallery.dimension) + " numbers";
    }
    if (!page.next.empty()) below += "; next: --page " + page_token(page.next);
    return {{{"", rows, below}}, json.str(), false};
}

report person_report(const std::string& collection, const person_record& person) {
    const std::string name(name_of_key(person.key));
    json_text json;
    json.open_object().key("collection").text(collection).key("person_id").text(person.person_id);
    json.key("name").text(name).key("faces").number(person.faces);
    text_field(json, "external_id", person.data.external_id);
    stored_field(json, "metadata", person.data.metadata);
    text_field(json, "notes", person.data.notes);
    time_field(json, "created", person.created);
    time_field(json, "last_seen", person.last_seen);
    json.key("readable").truth(person.readable).close_object();
    table rows{{{"field"}, {"value"}}, {}};
    const auto add = [&](const char* field, const std::string& value) {
        if (!value.empty()) rows.rows.push_back({field, value});
    };
    add("person_id", person.person_id);
    add("name", name);
    add("external_id", person.data.external_id);
    add("metadata", person.data.metadata);
    add("notes", person.data.notes);
    add("faces", count(person.faces));
    if (person.created.count() > 0) add("created", rfc3339(person.created));
    if (person.last_seen.count() > 0) add("last_seen", rfc3339(person.last_seen));
    const char* below = person.readable ? "" : "Its data do not open: --encryption-key FILE";
    return {{{"", rows, below}}, json.str(), !person.readable};
}

report change_report(const std::string& id, const std::string& answer) {
    json_text json;
    json.open_object().key("id").text(id).key("answer").text(answer).close_object();
    return {{{"", {}, id + ": " + answer}}, json.str(), false};
}

report drain_report(const std::string& worker_id, const std::string& state) {
    json_text json;
    json.open_object().key("worker_id").text(worker_id).key("state").text(state).close_object();
    return {{{"", {}, worker_id + ": " + state}}, json.str(), false};
}

report fsck_report(const std::vector<std::string>& findings) {
    json_text json;
    json.open_object().key("findings").open_array();
    table rows{{{"finding"}}, {}};
    for (const std::string& finding : findings) {
        rows.rows.push_back({finding});
        json.text(finding);
    }
    return {{{"", rows, {}}}, json.close_array().close_object().str(), !findings.empty()};
}

std::string event_line(const event& what, bool json) {
    if (json) {
        json_text out;
        out.open_object().key("id").text(what.id).key("job_id").text(what.job_id);
        out.key("from").text(what.from).key("to").text(what.to).key("why").text(what.why);
        out.key("attempt").number(what.attempt);
        text_field(out, "worker", what.worker);
        return out.close_object().str() + "\n";
    }
    std::string line = what.id + "  " + what.job_id + "  " +
                       (what.from.empty() ? "(none)" : what.from) + " -> " + what.to +
                       "  attempt " + std::to_string(what.attempt);
    if (!what.why.empty()) line += "  " + what.why;
    if (!what.worker.empty()) line += "  " + what.worker;
    return visible(line) + "\n";
}

}  // namespace vultus::ctl
