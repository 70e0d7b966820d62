// A surface's way into the service: requests to the native handlers in the name of the one that
// came, and what these answer. So queue, fences, quotas, limits and the audit are the native ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/compat/common/json_value.hpp"
#include "api/handlers/handlers.hpp"
#include "api/http/query.hpp"

namespace vultus::api::compat {

/// A request of the same client that waits for the end of its job.
/// `photo`   its body; view of the body that came, or decoded
request native_request(const request& of, name_values query, shared_bytes photo = {},
                       std::string_view type = "application/octet-stream");

/// What a native handler answered. A Retry-After is kept in `of`, for the surface's answer.
/// errors    those of the problem document
result<json_value> native_answer(request& of, const response& told);

/// The result of the job that a native handler answered with.
/// errors    those of the problem document or of the job; of a train with one photo those of the
///           photo; deadline_exceeded: the job goes on
result<json_value> native_job(request& of, const response& told);

/// Asks a question about a photo: recognize, detect or embed, which nothing keeps.
asio::awaitable<result<json_value>> ask(job_type type, request& req, services& ctx,
                                        shared_bytes photo, name_values options);

/// Whether both photos show one face, and the distance.
asio::awaitable<result<json_value>> ask_both(request& req, services& ctx, shared_bytes first,
                                             shared_bytes second, name_values options);

/// Teaches one person; the finished job's result.
asio::awaitable<result<json_value>> teach(request& req, services& ctx, shared_bytes photo,
                                          name_values options);

/// A change, to its end; the finished job's result.
asio::awaitable<result<json_value>> change(request& req, services& ctx, new_change wanted);

/// Removes this person, however many share the name.
asio::awaitable<result<json_value>> forget(request& req, services& ctx, std::string collection,
                                           const person_record& person, std::string face_id = {});

/// The collection that a request works on: the key's only one, else "default".
/// errors    forbidden: the key has several collections and not this one
result<std::string> collection_of(const request& req);

/// People whose name is that text, by its exact spelling, else without regard to ASCII case; the
/// first spelling that is found counts. Nobody is an empty list. `any_case` false: the exact
/// spelling alone.
/// errors    bad_label; those of the store
asio::awaitable<result<std::vector<person_record>>> people_named(services& ctx,
                                                                 std::string collection,
                                                                 std::string name,
                                                                 bool any_case = true);

/// Everybody, at most `most`, in the order of the names; nobody who was removed before it ends.
/// errors    old_version: somebody was removed meanwhile, several times; those of the store
asio::awaitable<result<std::vector<person_record>>> everybody(services& ctx, std::string collection,
                                                              std::size_t most);

/// An answer that no cache keeps.
response unkept_json(int status, std::string text);

/// Text in a member of the answer of a handler, as parse_query() but lenient: unknown names, empty
/// values and repeated names (the first one counts) are no error.
/// errors    malformed: a bad escape; too_large: more than limits::multipart_parts
result<name_values> lenient_query(std::string_view target_or_form, bool form = false);

}  // namespace vultus::api::compat
