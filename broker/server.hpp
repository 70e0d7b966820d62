// The broker's loop: two ROUTER sockets, one connection to Redis, one signal descriptor, one poll.
// It turns what comes in into events for the core and carries out the effects; it decides nothing.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "broker/core.hpp"
#include "broker/zap_handler.hpp"
#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/broker_store.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::broker {

/// threads   one owner
class server {
 public:
    /// Binds the first of the worker endpoints and the first of the api endpoints; with keys
    /// (curve_settings) both are proven to refuse whoever is not on the list.
    /// errors    malformed: an endpoint or the allow-list cannot be read;
    ///           store_unavailable: another listens there;
    ///           internal: a socket lets in whom it should not, or nobody
    static result<std::unique_ptr<server>> open(zmq_context&, const broker_settings&);

    /// Serves until `stop` asks, then drains for at most drain_timeout.
    /// returns   the exit code: 0, or 2 if Redis may not be used (refuses_start()) before it ever
    ///           was, or holds the data of another major version
    int run(stop_signal& stop);

 private:
    server(const broker_settings&, std::unique_ptr<zap_handler>, zmq_socket workers,
           zmq_socket apis, std::string broker_id);

    void wait(stop_signal& stop);
    void receive(side from, zmq_socket& socket);
    void settle();
    void keep_gate();
    void count_refused();
    void complain(side from, const error& why);
    void tell(event what) { waiting_.push_back(std::move(what)); }
    void send(side to, const std::string& connection, const protocol::message& what);
    void prepare();
    void read_time();

    void carry(const to_worker& one) { send(side::worker, one.connection, one.what); }
    void carry(const to_api& one) { send(side::api, one.connection, one.what); }
    void carry(const prepare_store&) { prepare(); }
    void carry(const check_store&);
    void carry(const lease&);
    void carry(const hand_back&);
    void carry(const report_lost&);
    void carry(const run_duty&);
    void forget_some(result<moved> collected, const std::function<void(result<moved>)>& told);
    void carry(const read_gallery&);
    void carry(const note&);
    void carry(const finished&) { ended_ = true; }

    const broker_settings settings_;
    const store_context context_;
    const broker_store store_{context_};
    core core_;
    const std::unique_ptr<zap_handler> gate_;  ///< null: the links are plain
    zmq_socket workers_, apis_;
    redis_client redis_;
    std::deque<event> waiting_;  ///< told, not yet handled
    bool stopping_ = false, ended_ = false;
    bool was_ready_ = false;  ///< Redis could be used once
    int exit_code_ = 0;
    std::uint64_t refused_before_ = 0;  ///< peers, by the test at start
    boot_time complain_at_{0};
};

}  // namespace vultus::broker
