// Asks the broker, on the socket that the apis use: what it knows about the workers (STATUS), and
// to let one of them finish and leave (DRAIN_WORKER). One question at a time, each with its
// patience.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "shared/net/protocol.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus::ctl {

/// threads   one owner; both calls wait, at most for their patience
class broker_admin {
 public:
    /// errors    malformed: a bad endpoint. That nobody listens is only seen when asking.
    static result<broker_admin> open(zmq_context& context, const std::string& endpoint,
                                     const curve_keys& curve = {});

    /// Nothing: the broker did not answer in time. Answers to earlier questions are dropped.
    std::optional<protocol::status_reply> status(std::chrono::milliseconds patience);

    /// False: the message could not even be handed over. It is a hint: ask status() for the effect.
    bool drain(const std::string& worker_id, std::chrono::milliseconds patience);

    /// Tells the broker of a new job. A hint; lost if the broker is away. Never waits.
    void submit(const std::string& job_id, unsigned shard);

 private:
    explicit broker_admin(zmq_socket socket) : socket_(std::move(socket)) {}
    bool send_by(const protocol::message& what, boot_time deadline);
    zmq_socket socket_;
};

}  // namespace vultus::ctl
