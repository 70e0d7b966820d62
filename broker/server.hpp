// The broker's loop: two ROUTER sockets, one connection to Redis, one signal descriptor, one poll.
// It turns messages, replies and timers into events for the core and carries out the effects; it
// makes no decision.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "broker/core.hpp"
#include "broker/zap_handler.hpp"
#include "shared/base/stop_signal.hpp"
#include "shared/base/turn_watch.hpp"
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
    /// (curve_settings) a self-test proves that both refuse peers that are not on the list.
    /// errors    malformed: an endpoint or the allow-list cannot be read;
    ///           store_unavailable: another process listens there;
    ///           internal: a socket admits a wrong peer, or no peer
    static result<std::unique_ptr<server>> open(zmq_context&, const broker_settings&);

    /// Serves until `stop` is requested, then drains for at most drain_timeout.
    /// returns   the exit code: 0; 1: an endpoint cannot be opened again; 2: Redis holds data of
    ///           another major version, or must not be used (refuses_start()) and never was
    int run(stop_signal& stop);

 private:
    server(const broker_settings&, std::unique_ptr<zap_handler>, zmq_socket workers,
           zmq_socket apis, std::string broker_id);

    void wait(stop_signal& stop);
    void end_turn();
    void receive(side from, zmq_socket& socket);
    void settle();
    void serve_zap();
    void count_refused();
    void log_malformed(side from, const error& why);
    void post(event what) { events_.push_back(std::move(what)); }
    void send(side to, const std::string& connection, const protocol::message& what);
    void prepare();
    void read_time();

    void carry_out(const to_worker& one) { send(side::worker, one.connection, one.what); }
    void carry_out(const to_api& one) { send(side::api, one.connection, one.what); }
    void carry_out(const prepare_store&) { prepare(); }
    void carry_out(const check_store&);
    void carry_out(const lease&);
    void carry_out(const hand_back&);
    void carry_out(const report_lost&);
    void carry_out(const run_duty&);
    void forget_unseen(result<moved> collected, const std::function<void(result<moved>)>& done);
    void index_people(moved collected, int steps, std::function<void(result<moved>)> done);
    void carry_out(const read_gallery&);
    void carry_out(const note&);
    void carry_out(const finished&) { ended_ = true; }

    const broker_settings settings_;
    const store_context context_;
    const broker_store store_{context_};
    core core_;
    const std::unique_ptr<zap_handler> zap_;  ///< null: the links are plain
    zmq_socket workers_, apis_;
    redis_client redis_;
    std::deque<event> events_;  ///< not yet handled
    bool stopping_ = false, ended_ = false;
    bool was_ready_ = false;  ///< Redis could be used at some time
    int exit_code_ = 0;
    std::uint64_t refused_before_ = 0;  ///< peers, by the self-test at start
    boot_time log_malformed_at_{0};
    turn_watch turns_;
};

}  // namespace vultus::broker
