// See job_view.hpp.
#include "api/jobs/job_view.hpp"

#include <algorithm>

#include "api/http/json.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

std::string links_json(std::string_view id, bool image, std::string_view base_path) {
    json_object links;
    links.add("self", job_path(id, base_path));
    links.add("events", job_path(id, base_path) + "/events");
    if (image) links.add("image", job_path(id, base_path) + "/image");
    return links.take();
}

/// The worker does not know the version that its commit creates; Redis does.
std::string train_result(const job_record& job) {
    std::string text = R"({"version":)" + std::to_string(job.version);
    if (job.superseded) text += R"(,"superseded":true)";
    const auto rest = std::string_view(job.result).substr(job.result.empty() ? 0 : 1);
    if (rest.empty()) return text + "}";
    if (rest.front() != '}') text += ",";
    return text.append(rest);
}

std::string result_json(const job_record& job) {
    switch (job.type) {
        case job_type::recognize:
        case job_type::detect:
        case job_type::embed:
        case job_type::verify:
        case job_type::calibrate:
            return job.result.empty() ? "{}" : job.result;
        case job_type::train:
        case job_type::reembed:
            return train_result(job);
        default:
            const bool moves = job.type == job_type::rename || job.type == job_type::merge;
            json_object change;
            change.add("version", job.version);
            change.add(moves ? "renamed_faces" : "removed_faces", job.removed_faces);
            if (!job.removed.empty()) change.raw("removed", job.removed);
            if (!job.confirmed.empty()) change.raw("confirmed_by", job.confirmed);
            return change.take();
    }
}

// What the worker writes for a photo that looks_like_other (workers/pipeline/results.cpp). It
// cannot be a part of a JSON string, where each of these quotes would be escaped.
constexpr std::string_view compared_with = R"("other":{"face_id":")";

/// The text with label and person_id before each of those faces that has a name.
std::string named(std::string text, const face_names& names) {
    if (names.empty()) return text;
    for (auto at = text.find(compared_with); at != text.npos; at = text.find(compared_with, at)) {
        at += compared_with.size();
        const auto name = names.find(text.substr(at, text.find('"', at) - at));
        if (name == names.end()) continue;
        const face_name& who = name->second;
        std::string told = R"("label":)" + json_quoted(who.label) + ",";
        if (!who.person_id.empty()) told += R"("person_id":)" + json_quoted(who.person_id) + ",";
        if (who.name_shared) told += R"("name_shared":true,)";
        text.insert(at - std::string_view(R"("face_id":")").size(), told);
        at += told.size();
    }
    return text;
}

/// The error without the verdicts on the photos of a train.
std::string short_error(const job_record& job) {
    const auto end = job.error.find(R"(,"files":[)");
    return end == job.error.npos ? job.error : job.error.substr(0, end) + "}";
}

std::string error_json(std::string text) {
    return text.empty() ? R"({"code":"internal","detail":"no reason is kept"})" : text;
}

bool is_in_error(const job_record& job) {
    return job.state == job_state::failed || job.state == job_state::dead;
}

bool is_committed(job_state state) {
    return state == job_state::publishing || state == job_state::succeeded;
}

json_object common(const job_record& job) {
    json_object text;
    text.add("id", job.id);
    text.add("type", name_of(job.type));
    text.add("state", name_of(job.state));
    if (!job.collection.empty()) text.add("collection", job.collection);
    text.add("created_at", rfc3339(job.created));
    if (job.started.count() > 0) text.add("started_at", rfc3339(job.started));
    if (is_terminal(job.state)) text.add("finished_at", rfc3339(job.finished));
    text.add("attempt", job.attempt);
    const bool detects = job.type == job_type::detect && job.attempt > 0;
    if (!job.embedder.empty() || detects) {  // from its first attempt on
        json_object models;
        if (!job.detector.empty()) models.add("detector", std::string_view(job.detector));
        if (!detects) models.add("embedding", std::string_view(job.embedder));
        text.raw("models", models.take());
    }
    if (!job.waits_for.empty()) text.add("waits_for", std::string_view(job.waits_for));
    if (!job.label.empty()) text.add("label", name_of_key(job.label));
    // Of a train whose person may be there by its end, the store decides then.
    const bool decided =
        job.type != job_type::train || (is_committed(job.state) && !job.superseded);
    if (!job.person_id.empty() && decided) text.add("person_id", job.person_id);
    if (!job.label_to.empty()) text.add("label_to", name_of_key(job.label_to));
    if (job.type == job_type::reembed && job.faces_staged_of > 0) {
        json_object progress;
        progress.add("faces", job.faces_staged).add("of", job.faces_staged_of);
        text.raw("progress", progress.take());
    }
    if (job.cancel_requested && !is_terminal(job.state)) text.add("cancel_requested", true);
    return text;
}

}  // namespace

std::string job_path(std::string_view id, std::string_view base_path) {
    return std::string(base_path) + "/api/jobs/" + std::string(id);
}

std::vector<std::string> faces_compared(const job_record& job) {
    std::vector<std::string> found;
    if (job.type != job_type::train) return found;
    for (const std::string* text : {&job.result, &job.error}) {
        for (auto at = text->find(compared_with); at != text->npos;
             at = text->find(compared_with, at)) {
            at += compared_with.size();
            found.push_back(text->substr(at, text->find('"', at) - at));
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::string job_json(const job_record& job, const face_names& names, std::string_view base_path) {
    auto text = common(job);
    if (is_in_error(job)) text.raw("error", named(error_json(job.error), names));
    if (job.state == job_state::succeeded) text.raw("result", named(result_json(job), names));
    text.raw("links", links_json(job.id, job.annotated, base_path));
    return text.take();
}

std::string job_summary_json(const job_record& job, std::string_view base_path) {
    auto text = common(job);
    if (is_in_error(job)) text.raw("error", error_json(short_error(job)));
    text.raw("links", links_json(job.id, job.annotated, base_path));
    return text.take();
}

std::string job_reference_json(std::string_view id, std::string_view base_path) {
    json_object text;
    text.add("id", id);
    text.raw("links", links_json(id, false, base_path));
    return text.take();
}

std::string job_tag(const job_record& job) {
    std::string tag = "W/\"";
    tag += name_of(job.state);
    tag += "-" + std::to_string(job.attempt) + "-" + std::to_string(job.finished.count());
    if (job.faces_staged > 0) tag += "-" + std::to_string(job.faces_staged);
    if (job.cancel_requested) tag += "-c";
    if (!job.waits_for.empty()) tag += "-w";
    return tag + "\"";
}

job_record at_event(job_record now, const event& what) {
    const auto state = job_state_named(what.to);
    if (!state || *state == now.state) return now;
    now.state = *state;
    now.attempt = what.attempt;
    now.waits_for.clear();
    return now;
}

job_record fresh_job(std::string_view id, job_type type, std::string_view collection,
                     std::string_view label, job_state state) {
    job_record job;
    job.id = id;
    job.type = type;
    job.state = state;
    job.collection = collection;
    job.label = label;
    job.created = time_of(id);
    return job;
}

}  // namespace vultus::api
