// A job as clients see it: JSON text, entity tag. Pure. Result and error are texts of the worker
// and are put in as they are.
#pragma once

#include <string>

#include "shared/store/event_reader.hpp"
#include "shared/store/job_reader.hpp"

namespace vultus::api {

/// The path of the job: "/api/jobs/<id>".
std::string job_path(std::string_view id);

/// The job, with its result or error.
std::string job_json(const job_record& job);

/// The job as a row of a listing: no result.
std::string job_summary_json(const job_record& job);

/// {id, links}: of a job that is accepted but no longer kept.
std::string job_reference_json(std::string_view id);

/// A weak entity tag that changes whenever the job does.
std::string job_tag(const job_record& job);

/// The job as it was right after an event: the record read later may be further on.
job_record at_event(job_record now, const event& what);

/// What a client gets to see of a job that was accepted this moment.
job_record fresh_job(std::string_view id, job_type type, std::string_view collection,
                     std::string_view label, job_state state);

}  // namespace vultus::api
