// The live channel from the client's side: a thread of its own sends the newest picture when the
// service has room for it, hears the answers, and connects again, later each time, when the
// service is away. Nobody waits for it. The only file of the client with Beast is its .cpp.
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

/// A picture on its way.
struct shot {
    std::uint64_t number = 0;  ///< counts the pictures of the source from 1
    steady::time_point taken{};
    std::shared_ptr<const std::string> jpeg;
    std::uint64_t settings = 0;  ///< choose() that held when it was sent; 0: the first settings
};

struct answered {
    shot what;
    message told;
    double latency_ms = 0;  ///< from taking the picture to the answer
};
struct link_state {
    bool up = false;
    std::string word, detail;  ///< why it is down, or what the service complains about
};
using news = std::variant<answered, link_state>;

/// The service, as it is seen from here.
struct service_place {
    net::service_url url;
    std::string collection;
    std::string key;                                     ///< empty: none is sent
    std::shared_ptr<boost::asio::ssl::context> trusted;  ///< null: plain, as the url says
};

/// threads   offer, choose and next from any; one thread inside
class live_link {
 public:
    live_link(service_place where, std::string settings);
    ~live_link();
    live_link(const live_link&) = delete;
    live_link& operator=(const live_link&) = delete;

    /// Takes the place of a picture that was not sent yet.
    void offer(shot newest);
    /// Other settings, from now on. Gives their number: an answer to a picture with a smaller one
    /// was made under others.
    std::uint64_t choose(std::string settings);
    /// The next thing heard; the oldest are lost when nobody listens. Waits at most so long.
    std::optional<news> next(std::chrono::milliseconds patience);
    /// Pictures that were sent and not answered yet, and the one that waits.
    std::size_t on_their_way() const;

 private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace vultus::camera
