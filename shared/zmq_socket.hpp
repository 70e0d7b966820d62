// ZeroMQ sockets with every option set on purpose. The only file with zmq is zmq_socket.cpp.
// ZeroMQ is transport, never storage: what it carries may be lost, repeated or late.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shared/result.hpp"

namespace vultus {

/// One per process; outlives its sockets. Destroying it waits for their linger.
class zmq_context {
   public:
    zmq_context();
    ~zmq_context();
    zmq_context(const zmq_context&) = delete;
    zmq_context& operator=(const zmq_context&) = delete;
    void* native() const noexcept;

   private:
    struct state;
    std::unique_ptr<state> state_;
};

struct zmq_options {
    int high_water = 1'000;                    ///< messages, each way
    std::chrono::milliseconds linger{500};     ///< 0..2000
    std::int64_t message_bytes_max = 12LL * 1024 * 1024;
    bool count_losses = false;                 ///< of a DEALER, for losses()
};

enum class sent { ok, unreachable, full };  ///< unreachable: EHOSTUNREACH · full: EAGAIN

/// threads   one owner
/// errors    bind and connect give malformed (bad endpoint) or store_unavailable (address in use)
class zmq_socket {
   public:
    static result<zmq_socket> router(zmq_context&, const std::string& endpoint, zmq_options);
    /// `routing_id`: 1..255 bytes, first not 0; empty lets ZeroMQ choose. Connects in the
    /// background.
    static result<zmq_socket> dealer(zmq_context&, const std::string& endpoint,
                                     const std::string& routing_id, zmq_options);
    zmq_socket(zmq_socket&&) noexcept;
    zmq_socket& operator=(zmq_socket&&) noexcept;
    ~zmq_socket();

    /// All frames or none; never waits. A ROUTER's first frame is the peer's routing id.
    sent send(const std::vector<std::string>& frames);

    /// The next whole message, at most 16 frames (a longer one is dropped); never waits.
    std::optional<std::vector<std::string>> receive();

    /// How often a DEALER that counts them lost its peer: what it sent before may be lost with it.
    std::uint64_t losses();

    int fd() const noexcept;       ///< edge-triggered: receive() all on each event and after send()
    void* native() const noexcept;
    std::string endpoint() const;  ///< as bound, with the real port

   private:
    struct state;
    explicit zmq_socket(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

/// One thing a loop waits for: a socket, or a file descriptor when socket is null.
struct poll_item {
    const zmq_socket* socket = nullptr;
    int fd = -1;
    bool want_read = true, want_write = false;
    bool readable = false, writable = false;  ///< out
};

/// Waits until one is ready, `patience` is over or a signal came. Returns how many are ready.
int poll(std::span<poll_item> items, std::chrono::milliseconds patience);

}  // namespace vultus
