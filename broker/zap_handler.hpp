// Who may connect to the broker's two sockets when its links are encrypted (shared/CURVE.md).
// ZeroMQ sends a request for every peer, before it accepts any message of it, to
// inproc://zeromq.zap.01 (RFC 27); the zap_handler answers from the allow-list. It runs in the
// broker's loop: while the loop is blocked, no peer is admitted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/events.hpp"
#include "shared/base/clock.hpp"
#include "shared/config/settings.hpp"
#include "shared/net/allow_list.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus::broker {

/// The reply about one peer.
struct zap_reply {
    std::vector<std::string> answer;  ///< frames for ZeroMQ, after the routing id
    bool admitted = false;
    std::string why, address, key;  ///< of a refusal; key: public, hexadecimal, or empty
};

/// Pure. `request`: the frames after the routing id, in any number.
zap_reply reply_to(const allow_list& allowed, const std::vector<std::string>& request);

/// threads   one owner
class zap_handler {
 public:
    /// requires  the context has no other socket yet
    /// errors    malformed: the allow-list cannot be used, or ZeroMQ has no CURVE
    static result<std::unique_ptr<zap_handler>> open(zmq_context&, const curve_settings&);

    /// For the socket of this side: its peers need keys and are checked here.
    zmq_options options(side) const;

    /// Self-test: connects to both sockets without a key, with an unknown key, with a key of the
    /// other socket and with a valid one, and checks that only the last is admitted. Blocks about
    /// 40 ms, at most 5 s. errors    internal: names the peer that was wrongly admitted or refused
    result<void> prove(const zmq_socket& workers, const zmq_socket& apis);

    const zmq_socket& socket() const noexcept { return requests_; }  ///< for poll()

    /// Answers the requests that arrived, at most 256; never blocks.
    void answer();

    /// Checks every second whether the file changed. A file that cannot be used changes nothing.
    /// returns   whether a peer lost its right to be connected
    bool reread(boot_time now);

    boot_time next_check() const noexcept { return check_at_; }

 private:
    zap_handler(zmq_context&, const curve_settings&, zmq_socket requests, allow_list allowed);
    void log_refusal(const zap_reply& refusal);

    zmq_context& context_;
    const curve_settings settings_;
    zmq_socket requests_;
    allow_list allowed_;
    std::string read_version_;  ///< of the file
    boot_time check_at_{0}, log_at_{0};
    std::uint64_t unlogged_ = 0;
    bool proving_ = false;
};

}  // namespace vultus::broker
