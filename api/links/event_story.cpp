// See event_story.hpp.
#include "api/links/event_story.hpp"

#include "api/http/json.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

std::string people_json(const std::vector<told_face>& faces, std::string_view status) {
    json_array people;
    for (const told_face& one : faces) {
        if (one.status != status) continue;
        json_object person;
        person.add("label", std::string_view(one.label));
        if (!one.person_id.empty()) person.add("person_id", std::string_view(one.person_id));
        person.add("similarity", one.similarity);
        people.raw(person.take());
    }
    return people.take();
}

void add_faces(json_object& story, const job_outcome& of, bool names) {
    const auto faces = told_faces(of.job.result);
    std::size_t unknown = 0;
    for (const told_face& one : faces) unknown += one.status == "unknown" ? 1U : 0U;
    story.add("faces", faces.size());
    if (names) story.raw("known", people_json(faces, "known"));
    if (names) story.raw("ambiguous", people_json(faces, "ambiguous"));
    if (names) story.add("unknown", unknown);
}

}  // namespace

bool has_story(const event& what) {
    const auto type = job_type_named(what.type);
    return what.to == name_of(job_state::succeeded) && type &&
           (*type == job_type::recognize || *type == job_type::train || is_change(*type));
}

std::string story_json(const job_outcome& of) {
    const job_record& job = of.job;
    if (!of.found || job.state != job_state::succeeded) return {};
    const bool answer = job.type == job_type::recognize;
    if (answer && !of.result_fits) return {};
    const bool current = may_be_sent(job.version, of.gallery, of.removed_version) ||
                         seeded_bug("api.no_event_fence");
    const bool moves = job.type == job_type::rename || job.type == job_type::merge;
    json_object story;
    if (answer) add_faces(story, of, current);
    if (!answer) story.add("faces", job.faces);
    if (current && !job.superseded && job.type == job_type::train) {
        story.add("label", name_of_key(job.label));
        if (!job.person_id.empty()) story.add("person_id", std::string_view(job.person_id));
    }
    if (current && moves) story.add("label", name_of_key(job.label_to));
    if (!current && (answer || moves || job.type == job_type::train)) story.add("outdated", true);
    std::string text = story.take();
    text.front() = ',';
    text.pop_back();
    return text;
}

std::string event_json(const event& what, const std::string& story) {
    json_object text;
    text.add("id", std::string_view(what.job_id)).add("from", std::string_view(what.from));
    text.add("to", std::string_view(what.to)).add("attempt", what.attempt);
    text.add("why", std::string_view(what.why));
    if (!what.type.empty()) text.add("type", std::string_view(what.type));
    if (!what.collection.empty()) text.add("collection", std::string_view(what.collection));
    std::string whole = text.take();
    whole.insert(whole.size() - 1, story);
    return whole;
}

}  // namespace vultus::api
