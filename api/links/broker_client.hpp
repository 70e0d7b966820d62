// The api's side of ZeroMQ: one DEALER for each broker, inside Asio's loop. Carries hints (SUBMIT,
// CANCEL), requests that are never stored (FRAME), and STATUS. What it sends may be lost; jobs do
// not depend on it.
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
    std::optional<protocol::status_reply> reply;  ///< nothing: away
};

/// The workers that these brokers know, by id: one that several know is one worker, as the broker
/// has it that heard of it last.
std::map<std::string, protocol::worker_status> workers_of(const std::vector<broker_state>&);

/// threads   that of the io_context
class broker_client {
 public:
    /// errors    malformed: an endpoint that ZeroMQ does not take
    static result<std::unique_ptr<broker_client>> connect(asio::io_context& io,
                                                          zmq_context& context,
                                                          const std::vector<std::string>& endpoints,
                                                          const curve_keys& curve = {});
    ~broker_client();
    broker_client(const broker_client&) = delete;
    broker_client& operator=(const broker_client&) = delete;

    /// Stops listening; nothing of this keeps the loop running then.
    void close();

    /// Tells all brokers that a job waits. Ids given in one turn of the loop go in one message.
    void submit(std::string job_id);
    /// Asks the brokers to tell the worker of a job that was cancelled.
    void cancel(const std::string& job_id);

    /// Sends a photo to a worker through the first broker that has one. A broker that was lost or
    /// is silent (three heartbeats) is given up for the next. If none has a worker, a photo that is
    /// not live waits 1.5 s for one to come back.
    /// errors    queue_full: too many bytes on their way; no_worker: no broker has one, or left
    ///           with the photo; draining: the last one is stopping;
    ///           deadline_exceeded: no answer in time. An answer that tells an error is an answer.
    asio::awaitable<result<protocol::answer>> ask(protocol::frame what,
                                                  std::chrono::milliseconds patience);

    /// Asks every broker, waits for all at most `patience`.
    asio::awaitable<std::vector<broker_state>> status(std::chrono::milliseconds patience);

 private:
    struct state;
    explicit broker_client(std::shared_ptr<state>);
    std::shared_ptr<state> state_;
};

}  // namespace vultus::api
