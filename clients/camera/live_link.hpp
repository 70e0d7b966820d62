// The client of the live channel: a thread sends the newest picture when the service has room for
// it, receives the answers, and reconnects with a back-off. Callers never wait for it. Its .cpp is
// the only file of the client with Beast.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "clients/camera/json_message.hpp"
#include "clients/net/service_url.hpp"
#include "clients/net/trust.hpp"
#include "shared/base/bounded_queue.hpp"

namespace vultus::camera {

using steady = std::chrono::steady_clock;

/// A picture to be sent.
struct shot {
    std::uint64_t number = 0;  ///< counts the pictures of the source from 1
    steady::time_point taken{};
    std::shared_ptr<const std::string> jpeg;
    std::uint64_t settings =
        0;  ///< number of the settings when it was sent (choose()); 0: the first
};

struct answered {
    shot what;
    message reply;
    double latency_ms = 0;  ///< from the capture to the answer
};
struct link_state {
    bool up = false;
    std::string word, detail;  ///< why it is down, or the problem that the service reported
};
using news = std::variant<answered, link_state>;

/// How to reach the service.
struct service_place {
    net::service_url url;
    std::string collection;
    std::string key;                                     ///< empty: none
    std::shared_ptr<boost::asio::ssl::context> trusted;  ///< null: without TLS, as in the url
};

/// threads   offer, choose and next from any; one thread inside
class live_link {
 public:
    live_link(service_place where, std::string settings);
    ~live_link();
    live_link(const live_link&) = delete;
    live_link& operator=(const live_link&) = delete;

    /// Replaces a picture that was not sent yet.
    void offer(shot newest);
    /// Changes the settings. Returns their number: an answer to a picture with a smaller one used
    /// earlier settings.
    std::uint64_t choose(std::string settings);
    /// The next message; the oldest are dropped if nobody reads them. Waits at most `patience`.
    std::optional<news> next(std::chrono::milliseconds patience);
    /// The number of pictures sent and not answered yet, and of the one that waits to be sent.
    std::size_t on_their_way() const;

 private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace vultus::camera
