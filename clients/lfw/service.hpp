// The same faces from a running service: photos go to POST /api/recognize, unstored, and come back
// with boxes and embeddings. So what is measured is what its workers do, whatever they are made of.
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
#include "workers/engine/embedding_kind.hpp"

namespace vultus::lfw {

struct service_address {
    net::service_url url;
    std::string key;                                     ///< empty: none is sent
    std::shared_ptr<boost::asio::ssl::context> trusted;  ///< null: plain, as the url says
    std::chrono::milliseconds patience{60'000};  ///< for one photo, tries and pauses together
};

struct service_faces {
    embedding_kind kind = embedding_kind::plain;  ///< that the service makes
    looked_at seen;  ///< of each face its one embedding, in place of both passes of the network;
                     ///< ms_per_photo: from a request to its answer, so waiting counts
};

/// Sends each photo, `settings.threads` at a time, and takes the face nearest the middle. The
/// service decides about the precision and the embedding. 429 and 503 are waited for as Retry-After
/// says, `patience` in all for a photo, as is a service that cannot be reached, is silent or slow.
/// errors    store_unavailable: no answer within that time; not_found: a photo cannot be read;
///           malformed: an answer without embeddings, of an unknown kind, or of two kinds; else
///           what the service said, with the photo's name
/// threads   as look_at
result<service_faces> ask_service(const std::vector<photo_id>& photos,
                                  const look_settings& settings, const service_address& where,
                                  const std::function<void(std::size_t)>& told);

/// An answer of the service: its middle face, or none. errors malformed
struct service_answer {
    embedding_kind kind = embedding_kind::plain;
    std::optional<embedding> face;
};
result<service_answer> read_answer(std::string_view json);

}  // namespace vultus::lfw
