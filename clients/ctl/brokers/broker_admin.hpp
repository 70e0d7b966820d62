// Requests to the broker, on the socket of the apis: the state of the workers (STATUS), the drain
// of one of them (DRAIN_WORKER), and the hint about a new job (SUBMIT). One request at a time, each
// with a time-out.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "shared/net/protocol.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus::ctl {

/// threads   one owner; a call waits at most for its patience
class broker_admin {
 public:
    /// errors    malformed: a bad endpoint. A broker that is not running is noticed by the
    /// requests.
    static result<broker_admin> open(zmq_context& context, const std::string& endpoint,
                                     const curve_keys& curve = {});

    /// Nothing: the broker did not answer in time. Answers to earlier requests are dropped.
    std::optional<protocol::status_reply> status(std::chrono::milliseconds patience);

    /// False: the message could not be sent. It is a hint: status() shows the effect.
    bool drain(const std::string& worker_id, std::chrono::milliseconds patience);

    /// Notifies the broker of a new job. A hint; lost if the broker is unreachable. Never waits.
    void submit(const std::string& job_id, unsigned shard);

 private:
    explicit broker_admin(zmq_socket socket) : socket_(std::move(socket)) {}
    bool send_by(const protocol::message& what, boot_time deadline);
    zmq_socket socket_;
};

}  // namespace vultus::ctl
