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

#include "shared/base/result.hpp"

namespace vultus {

/// One per process; outlives its sockets. Destroying it waits for their linger.
class zmq_context {
 public:
    zmq_context();
    ~zmq_context();
    zmq_context(const zmq_context&) = delete;
    zmq_context& operator=(const zmq_context&) = delete;

 private:
    friend class zmq_socket;
    friend bool curve_is_there(zmq_context&) noexcept;
    struct state;
    std::unique_ptr<state> state_;
};

/// How a socket proves who it is (CURVE); all keys have 32 bytes. Never over inproc.
struct curve_keys {
    std::string own;     ///< secret; empty: plain, anybody may connect
    std::string server;  ///< of a DEALER: the public key that its peer must prove to have
    std::string domain;  ///< of a ROUTER: named to the ZAP handler of its context, which says who
                         ///< may connect. requires  not empty. No handler: nobody may
};

struct zmq_options {
    int high_water = 1'000;                 ///< messages, each way
    std::chrono::milliseconds linger{500};  ///< 0..2000
    std::int64_t message_bytes_max = 12LL * 1024 * 1024;
    bool count_losses = false;  ///< for losses()
    curve_keys curve{};
    bool count_handshakes = false;  ///< of a ROUTER, for handshakes(); a DEALER does
};

/// Connections that were opened, and those that were not: plain where keys are asked for or the
/// other way round, a key that nobody knows, no handshake in time.
struct handshake_counts {
    std::uint64_t good = 0, refused = 0;
};

enum class sent { ok, unreachable, full };  ///< unreachable: EHOSTUNREACH · full: EAGAIN

/// threads   one owner
/// errors    bind and connect give malformed (bad endpoint) or store_unavailable (address in use)
class zmq_socket {
 public:
    static result<zmq_socket> router(zmq_context&, const std::string& endpoint, zmq_options);
    /// `routing_id`: 1..255 bytes, first not 0; empty lets ZeroMQ choose. Connects in the
    /// background, and goes on to when it was refused, once in 5 s while somebody sends.
    static result<zmq_socket> dealer(zmq_context&, const std::string& endpoint,
                                     const std::string& routing_id, zmq_options);
    zmq_socket(zmq_socket&&) noexcept;
    zmq_socket& operator=(zmq_socket&&) noexcept;
    ~zmq_socket();

    /// Of a ROUTER: ends all its connections (ZeroMQ cannot end one) and listens again at the same
    /// endpoint; peers come back by themselves. What was on its way either way is lost. Waits for
    /// some milliseconds, at most 2 s; after an error this socket is of no more use.
    /// errors    store_unavailable: somebody else has the endpoint now
    result<void> reopen();

    /// All frames or none; never waits. A ROUTER's first frame is the peer's routing id.
    sent send(const std::vector<std::string>& frames);

    /// The next whole message, at most 16 frames (a longer one is dropped); never waits.
    std::optional<std::vector<std::string>> receive();

    /// How often a DEALER that counts them lost its peer: what it sent before may be lost with it.
    std::uint64_t losses();

    /// How many handshakes of a socket that counts them ended well, and how many did not.
    handshake_counts handshakes();

    int fd() const noexcept;  ///< edge-triggered: receive() all on each event and after send()
    void* native() const noexcept;
    std::string endpoint() const;  ///< as bound, with the real port

 private:
    struct state;
    explicit zmq_socket(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

/// Whether this ZeroMQ can encrypt, and refuse everybody when nobody judges.
bool curve_is_there(zmq_context&) noexcept;

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
