// What the handlers of submissions share: the checks that need the gallery, and answers without a
// job.
#pragma once

#include "api/http/message.hpp"
#include "api/jobs/submission.hpp"
#include "api/services/services.hpp"
#include "shared/store/retention.hpp"

namespace vultus::api::handlers {

/// Whether the answer of a question is computed with the faces of the collection.
inline bool reads_gallery(const submission& what) {
    return what.type == job_type::recognize ||
           (what.type == job_type::verify && !what.label.empty());
}

/// Whether check_gallery() looks at anything.
inline bool has_gallery_check(const submission& what) {
    return what.options.vectors > 0 || (what.type == job_type::verify && !what.label.empty());
}

/// The gallery of a submission; without a collection one of version 0 with the service's models.
asio::awaitable<result<watched_gallery>> gallery_of(std::string collection, services& ctx);

/// Refuses before anything is stored what the gallery would refuse: vectors of another model, and a
/// person whom nobody taught. The name or person_id of a verify becomes the key, and its person_id
/// is kept beside it. errors    those of check_model(); not_found, several_people, migrating: of
/// the person
asio::awaitable<result<void>> check_gallery(submitted& given, services& ctx);

/// The person of a verify as it is now: the key may be another one than when it was checked.
/// errors    not_found: removed, or merged into another
asio::awaitable<result<void>> find_again(submission& what, services& ctx);

/// A question with durable=false, that passed check_gallery().
asio::awaitable<response> answer_unstored(request& req, services& ctx, submitted given);

}  // namespace vultus::api::handlers
