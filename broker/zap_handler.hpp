// Who may connect to the broker's two sockets when its links are encrypted (shared/CURVE.md).
// ZeroMQ asks about every peer, before anything of it is heard, at inproc://zeromq.zap.01 (RFC 27);
// the zap_handler answers out of the allow-list. It lives in the broker's loop: while that does not
// turn, nobody is let in.
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

/// What is said about one peer.
struct judgement {
    std::vector<std::string> answer;  ///< frames for ZeroMQ, after the routing id
    bool let_in = false;
    std::string why, address, key;  ///< of a refusal; key: public, hexadecimal, or empty
};

/// Pure. `question`: the frames after the routing id, whatever they are.
judgement judge(const allow_list& allowed, const std::vector<std::string>& question);

/// threads   one owner
class zap_handler {
 public:
    /// To be called before the context has any other socket.
    /// errors    malformed: the allow-list cannot be used (says why), or ZeroMQ has no CURVE
    static result<std::unique_ptr<zap_handler>> open(zmq_context&, const curve_settings&);

    /// Of the socket for this side: its peers are asked for keys and judged here.
    zmq_options options(side) const;

    /// Goes to both sockets as a plain peer, with a key that nobody knows, with one of the other
    /// side and with a good one, and sees that only the last is let in. Blocks some 40 ms, at most
    /// 5 s.
    /// errors    internal: says which was let in, or was not
    result<void> prove(const zmq_socket& workers, const zmq_socket& apis);

    const zmq_socket& socket() const noexcept { return questions_; }  ///< to wait for

    /// Answers what was asked, at most 256 questions; never waits.
    void answer();

    /// Looks once in a second whether the file changed. One that cannot be used changes nothing.
    /// returns   whether somebody lost the right to be connected
    bool reread(boot_time now);

    boot_time next_look() const noexcept { return look_at_; }

 private:
    zap_handler(zmq_context&, const curve_settings&, zmq_socket questions, allow_list allowed);
    void tell(const judgement& refusal);

    zmq_context& context_;
    const curve_settings settings_;
    zmq_socket questions_;
    allow_list allowed_;
    std::string seen_;  ///< which version of the file was read
    boot_time look_at_{0}, tell_at_{0};
    std::uint64_t untold_ = 0;
    bool proving_ = false;
};

}  // namespace vultus::broker
