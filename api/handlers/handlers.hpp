// One function for each route; dispatch() calls it. Related ones share a file.
#pragma once

#include <optional>

#include "api/http/message.hpp"
#include "api/services/services.hpp"

namespace vultus::api {

struct submitted;

/// Answers a request whose header and body passed the server's checks.
asio::awaitable<response> dispatch(request& req, services& ctx);

/// The stored name for a requested one: its exact bytes if a person has that name, else its normal
/// form (label.hpp). A name in normal form costs no call.
/// errors    those of the job store
asio::awaitable<result<std::string>> stored_label(std::string collection, std::string label,
                                                  services& ctx);

/// The person with that id. errors not_found, migrating, those of the job store
asio::awaitable<result<person_record>> person_with_id(std::string collection, std::string id,
                                                      services& ctx);

/// A rename, merge or forget that was checked: accepts it and answers as the client prefers.
asio::awaitable<response> accept_change(request& req, services& ctx, new_change wanted);

namespace handlers {

/// {"detector":…,"embedder":…}; null while no worker has registered.
std::string defaults_json(const default_models&);

/// How long /api/status and /metrics wait for the brokers.
constexpr std::chrono::milliseconds broker_patience{500};

asio::awaitable<response> train(request& req, services& ctx);
/// recognize, detect, embed or verify.
asio::awaitable<response> ask(job_type type, request& req, services& ctx);
asio::awaitable<response> calibrate(request& req, services& ctx);
/// Stores a checked submission as a job, and answers. `refusal`: why there can be no such job now;
/// a request that was accepted before (Idempotency-Key) is answered with its job all the same.
asio::awaitable<response> accept(request& req, services& ctx, submitted given,
                                 std::optional<error> refusal = std::nullopt);

response open_live_channel(request& req, services& ctx);

asio::awaitable<response> list_labels(request& req, services& ctx);
asio::awaitable<response> list_faces(request& req, services& ctx);
asio::awaitable<response> list_people(request& req, services& ctx);
asio::awaitable<response> person(request& req, services& ctx);
asio::awaitable<response> change_person(request& req, services& ctx);
asio::awaitable<response> face_picture(request& req, services& ctx);

asio::awaitable<response> clear(request& req, services& ctx);
asio::awaitable<response> forget(request& req, services& ctx);
asio::awaitable<response> rename(request& req, services& ctx);  ///< and merge
asio::awaitable<response> delete_collection(request& req, services& ctx);

asio::awaitable<response> job(request& req, services& ctx);
asio::awaitable<response> list_jobs(request& req, services& ctx);
asio::awaitable<response> cancel_job(request& req, services& ctx);
asio::awaitable<response> job_image(request& req, services& ctx);
asio::awaitable<response> job_events(request& req, services& ctx);
response all_events(request& req, services& ctx);

asio::awaitable<response> list_collections(request& req, services& ctx);
asio::awaitable<response> retention(request& req, services& ctx);
asio::awaitable<response> pictures(request& req, services& ctx);
asio::awaitable<response> model(request& req, services& ctx);
asio::awaitable<response> change_model(request& req, services& ctx);
asio::awaitable<response> status(request& req, services& ctx);
asio::awaitable<response> models(request& req, services& ctx);

response session(request& req, services& ctx);
asio::awaitable<response> set_up(request& req, services& ctx);
asio::awaitable<response> log_in(request& req, services& ctx);
asio::awaitable<response> log_out(request& req, services& ctx);

response live(services& ctx);
response ready(request& req, services& ctx);
asio::awaitable<response> metrics_text(services& ctx);
response web(request& req, services& ctx);

}  // namespace handlers
}  // namespace vultus::api
