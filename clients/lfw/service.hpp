// The faces from a running service: photos go to POST /api/recognize, unstored, and the answers
// have boxes and embeddings. So the run measures the workers of that service.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/lfw/photos.hpp"
#include "clients/net/service_url.hpp"
#include "clients/net/trust.hpp"

namespace vultus::lfw {

struct service_address {
    net::service_url url;
    std::string key;                                     ///< empty: none
    std::shared_ptr<boost::asio::ssl::context> trusted;  ///< null: without TLS, as in the url
    std::chrono::milliseconds patience{60'000};          ///< for one photo, with retries and pauses
};

struct service_faces {
    /// Its `detector` and `embedders` are those of the answers; ms_per_photo: from a request to
    /// its answer, so waiting counts.
    looked_at seen;
};

/// Sends each photo, `settings.threads` at a time, and takes the face nearest the centre. The
/// service determines the precision and the embedding. 429 and 503 are retried after Retry-After,
/// an unreachable or slow service after a pause, for `patience` in all per photo.
/// errors    store_unavailable: no answer within that time; not_found: a photo cannot be read;
///           malformed: an answer without embeddings, or of another embedder than the first;
///           else the service's error, with the photo's name
/// threads   as look_at
result<service_faces> ask_service(const std::vector<photo_id>& photos,
                                  const look_settings& settings, const service_address& where,
                                  const std::function<void(std::size_t)>& on_photo);

/// An answer of the service: the face nearest the centre, or none. errors malformed
struct service_answer {
    std::string detector, embedder;
    std::optional<embedding> face;
};
result<service_answer> read_answer(std::string_view json);

}  // namespace vultus::lfw
