// What an event of all jobs tells besides the change of state: for who may read it, how many faces
// were found, who they are, and how many nobody knows. Pure.
#pragma once

#include <string>

#include "shared/store/event_reader.hpp"
#include "shared/store/job_reader.hpp"

namespace vultus::api {

/// Whether the event is the success of a job with more to tell.
bool has_story(const event& what);

/// Members of a JSON object, each with a comma before it. recognize: `faces`, `known` and
/// `ambiguous` (label, similarity), `unknown` · train: `faces`, `label` · rename, merge: `faces`,
/// `label` (the new name) · other changes: `faces` alone, as the people that they name are gone.
/// After a removal from the collection no name is told, but `outdated`: true. Empty: the job is
/// not there any more, or nothing is to be told.
std::string story_json(const job_outcome& of);

/// {id, from, to, attempt, why, type, collection} and the members of a story.
std::string event_json(const event& what, const std::string& story);

}  // namespace vultus::api
