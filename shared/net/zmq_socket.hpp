// ZeroMQ sockets with every option set explicitly. The only file with zmq is zmq_socket.cpp. ZeroMQ
// is transport, never storage: a message may be lost, repeated or late.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/base/shared_bytes.hpp"

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

/// The keys of a socket (CURVE), 32 bytes each. Not used over inproc.
struct curve_keys {
    std::string own;     ///< secret key; empty: no encryption, every peer may connect
    std::string server;  ///< DEALER: the public key that its peer must prove to have
    std::string
        domain;  ///< ROUTER: passed to the ZAP handler of its context, which decides who may
                 ///< connect. requires  not empty. Without a handler every peer is refused
};

struct zmq_options {
    int high_water = 1'000;                 ///< messages in each direction
    std::chrono::milliseconds linger{500};  ///< 0..2000
    std::int64_t message_bytes_max = 12LL * 1024 * 1024;
    bool count_losses = false;  ///< for losses()
    curve_keys curve{};
    bool count_handshakes = false;  ///< ROUTER, for handshakes(); a DEALER always counts
};

/// Connections that were opened, and those that were refused: encrypted on one side only, an
/// unknown key, no handshake in time.
struct handshake_counts {
    std::uint64_t good = 0, refused = 0;
};

enum class sent { ok, unreachable, full };  ///< unreachable: EHOSTUNREACH · full: EAGAIN

/// threads   one owner
/// errors    bind and connect give malformed (bad endpoint) or store_unavailable (address in use)
class zmq_socket {
 public:
    static result<zmq_socket> router(zmq_context&, const std::string& endpoint, zmq_options);
    /// `routing_id`: 1..255 bytes, the first not 0; if empty, ZeroMQ chooses one. Connects in the
    /// background. After a refusal it tries again, at most every 5 s, when send() is called.
    static result<zmq_socket> dealer(zmq_context&, const std::string& endpoint,
                                     const std::string& routing_id, zmq_options);
    zmq_socket(zmq_socket&&) noexcept;
    zmq_socket& operator=(zmq_socket&&) noexcept;
    ~zmq_socket();

    /// ROUTER: closes all connections (ZeroMQ cannot close a single one) and listens again at the
    /// same endpoint; peers reconnect by themselves. Messages in flight are lost. Blocks for some
    /// milliseconds, at most 2 s; after an error the socket must not be used any more.
    /// errors    store_unavailable: another process has the endpoint now
    result<void> reopen();

    /// All frames or none; never waits. A ROUTER's first frame is the peer's routing id. A frame of
    /// 4 KiB or more is not copied: ZeroMQ shares its buffer until it has sent or dropped the
    /// message, and releases it in a thread of its own.
    sent send(const std::vector<shared_bytes>& frames);

    /// The next whole message, at most 16 frames (a longer one is dropped); never waits. The frames
    /// are views of ZeroMQ's own buffers.
    std::optional<std::vector<shared_bytes>> receive();

    /// How often a DEALER lost its connection (zmq_options::count_losses). Messages sent before the
    /// loss may not have arrived.
    std::uint64_t losses();

    /// Handshakes so far (zmq_options::count_handshakes).
    handshake_counts handshakes();

    int fd() const noexcept;  ///< edge-triggered: receive() all on each event and after send()
    void* native() const noexcept;
    std::string endpoint() const;  ///< as bound, with the real port

 private:
    struct state;
    explicit zmq_socket(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

/// Whether this ZeroMQ supports CURVE, and refuses every peer if there is no ZAP handler.
bool curve_is_there(zmq_context&) noexcept;

/// What a loop waits for: a socket, or a file descriptor if socket is null.
struct poll_item {
    const zmq_socket* socket = nullptr;
    int fd = -1;
    bool want_read = true, want_write = false;
    bool readable = false, writable = false;  ///< out
};

/// Waits until an item is ready, `patience` is over or a signal arrives. Returns how many are
/// ready.
int poll(std::span<poll_item> items, std::chrono::milliseconds patience);

}  // namespace vultus
