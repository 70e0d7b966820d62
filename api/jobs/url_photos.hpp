// The photos that a submission names by URL, in one place for every route that takes photos.
#pragma once

#include "api/http/message.hpp"
#include "api/jobs/submission.hpp"
#include "api/services/services.hpp"

namespace vultus::api {

/// Fetches given.urls, adds the photos behind given.images, checks all of them as those of a body,
/// and charges their bytes to the key. Without URLs it does nothing.
/// requires  the key may use the submission's collection
/// returns   the hosts that they came from, each once, between commas
/// errors    of photo_fetcher::check() and fetch(); quota; those of read_submission()
asio::awaitable<result<std::string>> fetch_photos(submitted& given, const request& req,
                                                  services& ctx);

}  // namespace vultus::api
