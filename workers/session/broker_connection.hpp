// The worker's connection to one broker: a DEALER socket with a new routing id for each connection,
// READY first, a HEARTBEAT in each interval, and a new socket when the broker is silent or sends
// BYE. Owned by the session; makes no decision about jobs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"
#include "shared/net/protocol.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus {

/// threads   one owner, the session thread
class broker_connection {
 public:
    broker_connection(zmq_context& context, std::string endpoint, zmq_options options,
                      std::chrono::milliseconds interval = limits::heartbeat);

    /// Opens a new socket; the old one is closed. `number` makes the routing id: "<worker id>.<n>".
    /// errors    those of zmq_socket::dealer
    result<void> open(const std::string& worker_id, std::uint64_t number, boot_time now);

    /// Sends BYE with the reason and closes. Does nothing if it is closed.
    void close(const std::string& reason);

    bool is_open() const noexcept { return socket_.has_value(); }
    bool introduced() const noexcept { return introduced_; }  ///< READY was sent on this socket
    const zmq_socket* socket() const noexcept { return socket_ ? &*socket_ : nullptr; }
    boot_time opened() const noexcept { return opened_; }
    std::uint64_t number() const noexcept { return number_; }
    const std::string& endpoint() const noexcept { return endpoint_; }

    /// True if READY was sent; false: not connected yet, try again later.
    bool introduce(const protocol::ready& ready, boot_time now);

    /// False if the message was not sent, as before READY.
    bool send(const protocol::message& what);

    /// The next message; nothing if there is none. A malformed message is logged and skipped.
    std::optional<protocol::message> receive(boot_time now);

    /// True when a heartbeat is due, which counts as sent then.
    bool heartbeat_due(boot_time now);

    /// True when this socket must be replaced: its connection was lost after READY (ZeroMQ
    /// reconnects by itself, and messages in flight are lost unnoticed), three intervals of
    /// silence, or BYE.
    bool lost(boot_time now);
    void lose() noexcept { lost_ = true; }  ///< the broker sent BYE

    void set_interval(std::uint32_t milliseconds);

    std::uint64_t last_n = 0;  ///< of the last JOB received on this connection

 private:
    zmq_context& context_;
    std::string endpoint_;
    zmq_options options_;
    std::chrono::milliseconds interval_;
    std::optional<zmq_socket> socket_;
    std::uint64_t number_ = 0;
    boot_time opened_{0}, heard_{0}, next_heartbeat_{0};
    bool introduced_ = false, lost_ = false;
    bool refusal_told_ = false;  ///< in the log, once
};

}  // namespace vultus
