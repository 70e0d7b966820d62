// One function for each route; dispatch() picks it. They live in handlers/, one file for a family.
#pragma once

#include "api/http/message.hpp"
#include "api/services/services.hpp"

namespace vultus::api {

/// Answers a request whose header and body were found good by the server.
asio::awaitable<response> dispatch(request& from, services& with);

/// The name by which a person is stored, for who asks by a name: its exact bytes if somebody has
/// them, else its normal form (label.hpp). A name that is its own normal form costs no call.
/// errors    those of the job store
asio::awaitable<result<std::string>> stored_label(std::string collection, std::string label,
                                                  services& with);

namespace handlers {

/// How long /api/status and /metrics wait for the brokers.
constexpr std::chrono::milliseconds broker_patience{500};

asio::awaitable<response> train(request& from, services& with);
asio::awaitable<response> recognize(request& from, services& with);
asio::awaitable<response> calibrate(request& from, services& with);

response live_channel(request& from, services& with);

asio::awaitable<response> list_labels(request& from, services& with);
asio::awaitable<response> list_faces(request& from, services& with);
asio::awaitable<response> face_picture(request& from, services& with);

asio::awaitable<response> clear(request& from, services& with);
asio::awaitable<response> forget(request& from, services& with);
asio::awaitable<response> rename(request& from, services& with);  ///< and merge
asio::awaitable<response> delete_collection(request& from, services& with);

asio::awaitable<response> job(request& from, services& with);
asio::awaitable<response> list_jobs(request& from, services& with);
asio::awaitable<response> cancel_job(request& from, services& with);
asio::awaitable<response> job_image(request& from, services& with);
asio::awaitable<response> job_events(request& from, services& with);
response all_events(request& from, services& with);

asio::awaitable<response> list_collections(request& from, services& with);
asio::awaitable<response> retention(request& from, services& with);
asio::awaitable<response> status(request& from, services& with);

response session(request& from, services& with);
asio::awaitable<response> log_in(request& from, services& with);
asio::awaitable<response> log_out(request& from, services& with);

response live(services& with);
response ready(request& from, services& with);
asio::awaitable<response> metrics_text(services& with);
response web(request& from);

}  // namespace handlers
}  // namespace vultus::api
