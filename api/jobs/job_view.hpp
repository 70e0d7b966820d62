// A job as clients see it: JSON text and entity tag. Pure. Result and error are inserted as the
// worker wrote them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shared/store/event_reader.hpp"
#include "shared/store/job_reader.hpp"

namespace vultus::api {

/// The path of the job: "/api/jobs/<id>", below the path under which a proxy shows the service.
std::string job_path(std::string_view id, std::string_view base_path = {});

struct face_name {
    std::string label, person_id;  ///< person_id: empty: not known
    bool name_shared = false;      ///< others of the collection have the name
};
/// By the id of a face.
using face_names = std::map<std::string, face_name>;

/// The trained faces that photos of a train were refused for (looks_like_other), each once. The
/// worker stores their ids only, so that a name is as current as the answer, and absent for whoever
/// may not read names.
std::vector<std::string> faces_compared(const job_record& job);

/// The job, with its result or error. Faces of `names` that faces_compared() gives get theirs.
std::string job_json(const job_record& job, const face_names& names = {},
                     std::string_view base_path = {});

/// The job as a row of a listing: no result, no verdicts on its photos.
std::string job_summary_json(const job_record& job, std::string_view base_path = {});

/// {id, links}: of a job that was accepted and has been removed.
std::string job_reference_json(std::string_view id, std::string_view base_path = {});

/// A weak entity tag that changes with the job.
std::string job_tag(const job_record& job);

/// The job as it was right after an event: a record read later may be newer.
job_record at_event(job_record now, const event& what);

/// The record of a job that was just accepted.
job_record fresh_job(std::string_view id, job_type type, std::string_view collection,
                     std::string_view label, job_state state);

}  // namespace vultus::api
