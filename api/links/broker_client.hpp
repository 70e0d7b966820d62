// The api's connections to the brokers: one DEALER for each, in Asio's loop. Sends hints (SUBMIT,
// CANCEL_REQUEST), photos that are never stored (FRAME), and STATUS. Messages may be lost; jobs do
// not depend on them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/net/protocol.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus::api {

namespace asio = boost::asio;

struct broker_state {
    std::string endpoint;
    std::optional<protocol::status_reply> reply;  ///< nothing: no reply
};

/// The workers of these brokers by id. A worker of several brokers is listed once, as the broker
/// saw it that heard from it last.
std::map<std::string, protocol::worker_status> workers_of(const std::vector<broker_state>&);

/// threads   that of the io_context
class broker_client {
 public:
    /// errors    malformed: ZeroMQ refuses an endpoint
    static result<std::unique_ptr<broker_client>> connect(asio::io_context& io,
                                                          zmq_context& context,
                                                          const std::vector<std::string>& endpoints,
                                                          const curve_keys& curve = {});
    ~broker_client();
    broker_client(const broker_client&) = delete;
    broker_client& operator=(const broker_client&) = delete;

    /// Closes the descriptors, so that nothing here keeps the loop running.
    void close();

    /// Sends the id of a waiting job to all brokers. Ids of one turn of the loop share a message.
    void submit(std::string job_id);
    /// Asks the brokers to pass a cancel to the worker of the job.
    void cancel(const std::string& job_id);

    /// Sends a photo to a worker through the first broker that has one; the image is not copied. If
    /// a broker is lost or silent (three heartbeats), the photo goes to the next. If none has a
    /// worker, a photo that is not live is retried for 1.5 s.
    /// errors    queue_full: limits::frame_bytes_api are in flight; no_worker: no broker has one,
    ///           or the broker was lost with the photo; draining: the last broker is stopping;
    ///           deadline_exceeded: no answer in time. An answer with an error is returned as such.
    asio::awaitable<result<protocol::answer>> ask(protocol::frame what,
                                                  std::chrono::milliseconds patience);

    /// Asks every broker and waits for all replies, at most `patience`.
    asio::awaitable<std::vector<broker_state>> status(std::chrono::milliseconds patience);

 private:
    struct state;
    explicit broker_client(std::shared_ptr<state>);
    std::shared_ptr<state> state_;
};

}  // namespace vultus::api
