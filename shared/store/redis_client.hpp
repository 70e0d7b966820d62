// One connection to Redis: sends commands and returns the replies in order. The only file with
// hiredis is redis_client.cpp. The client never blocks: its owner drives it from its own loop
// (zmq_poll in the broker and the worker's session, Asio in the api); redis_blocking.hpp is the
// loop for threads that have none.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/base/result.hpp"
#include "shared/base/shared_bytes.hpp"

namespace vultus {

struct redis_reply {
    enum class kind { nil, integer, text, array, error };
    kind type = kind::nil;
    std::int64_t integer = 0;
    std::string text;                ///< text, status or error
    std::vector<redis_reply> items;  ///< array
    bool is_error() const noexcept { return type == kind::error; }
};

/// A command and how to read its reply. Built by the roles of the store (store_context.hpp); sent
/// by either client.
template <class T>
struct redis_call {
    std::vector<std::string> words;  ///< binary safe
    std::function<result<T>(redis_reply&&)> parse;
    std::vector<shared_bytes> photos = {};  ///< more words, behind the others; sent without a copy
};

struct redis_address {
    std::string unix_socket;  ///< used when not empty
    std::string host = "127.0.0.1";
    int port = 0;
    std::string user;      ///< empty: none
    std::string password;  ///< empty: none
};

struct redis_timeouts {
    std::chrono::milliseconds connect{1'000};
    std::chrono::milliseconds command{2'000};
    std::chrono::milliseconds idle{15'000};  ///< then a PING proves the connection
};

/// threads   one owner thread; callbacks run inside the on_* calls or send(). They may call send();
///           they must not destroy the client. Destroying it drops waiting commands without a
///           call.
/// sending   a command given while a connection is being opened waits for it (at most the connect
///           time); between two tries it fails at once. `connected` means that the server answered.
/// errors    store_unavailable: not sent. unknown_outcome: sent, then the connection broke or the
///           command timer ran out; it may have run. A reply that is an error is given as such.
/// bounds    limits::redis_outstanding commands and redis_outstanding_bytes; beyond:
///           store_unavailable
/// life      reconnects by itself with back-off 50 ms .. 1 s; nothing is repeated by itself
class redis_client {
 public:
    using on_reply = std::function<void(result<redis_reply>)>;
    using on_change = std::function<void(bool connected)>;

    redis_client(redis_address address, redis_timeouts timeouts);
    ~redis_client();
    redis_client(const redis_client&) = delete;
    redis_client& operator=(const redis_client&) = delete;

    /// `photos`  more words, behind the others. Their buffers are released as they are written.
    void send(std::vector<std::string> words, on_reply done, std::vector<shared_bytes> photos = {});

    template <class T>
    void send(redis_call<T> call, std::function<void(result<T>)> done) {
        send(
            std::move(call.words),
            [parse = std::move(call.parse), done = std::move(done)](result<redis_reply> reply) {
                if (!reply) return done(fail(reply.error()));
                done(parse(std::move(*reply)));
            },
            std::move(call.photos));
    }

    /// `changed` is called when the connection opens or breaks, inside the on_* functions.
    void set_on_change(on_change changed);
    bool connected() const noexcept;

    // For the loop: re-query fd() and the wanted events after each call of a member below or
    // send().
    int fd() const noexcept;  ///< -1 while there is none
    /// Increases with each try to connect. A new connection may reuse the number of the descriptor,
    /// so a loop that registers descriptors registers again when this changed.
    std::uint64_t connection() const noexcept;
    bool wants_read() const noexcept;
    bool wants_write() const noexcept;
    boot_time next_timer() const noexcept;  ///< when on_timer should be called at the latest
    void on_readable(boot_time now);
    void on_writable(boot_time now);
    void on_timer(boot_time now);  ///< the only one that opens a connection
    /// All three after a poll of fd(): what was ready belongs to the connection that was polled.
    void on_polled(bool readable, bool writable, boot_time now);

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace vultus
