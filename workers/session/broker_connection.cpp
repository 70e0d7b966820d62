#include "workers/session/broker_connection.hpp"

#include <algorithm>
#include <utility>

#include "shared/base/log.hpp"

namespace vultus {

broker_connection::broker_connection(zmq_context& context, std::string endpoint,
                                     zmq_options options, std::chrono::milliseconds interval)
    : context_(context), endpoint_(std::move(endpoint)), options_(options), interval_(interval) {}

result<void> broker_connection::open(const std::string& worker_id, std::uint64_t number,
                                     boot_time now) {
    socket_.reset();
    auto opened =
        zmq_socket::dealer(context_, endpoint_, worker_id + "." + std::to_string(number), options_);
    if (!opened) return fail(opened.error());
    socket_.emplace(std::move(*opened));
    number_ = number;
    opened_ = heard_ = now;
    last_n = 0;
    introduced_ = lost_ = false;
    return {};
}

void broker_connection::close(const std::string& reason) {
    if (!socket_) return;
    if (introduced_) send(protocol::bye{reason});
    socket_.reset();
    introduced_ = false;
}

bool broker_connection::introduce(const protocol::ready& ready, boot_time now) {
    if (!socket_ || introduced_) return introduced_;
    if (socket_->send(protocol::encode(ready)) != sent::ok) {
        if (!refusal_told_ && socket_->handshakes().refused > 0) {
            refusal_told_ = true;
            log::error("broker_refuses",
                       {{"endpoint", endpoint_}, {"why", "keys do not match (see CURVE.md)"}});
        }
        return false;
    }
    introduced_ = true;
    refusal_told_ = false;
    heard_ = now;
    next_heartbeat_ = now + interval_;
    log::info("broker_ready_sent", {{"endpoint", endpoint_}, {"connection", number_}});
    return true;
}

bool broker_connection::send(const protocol::message& what) {
    return introduced_ && socket_->send(protocol::encode(what)) == sent::ok;
}

std::optional<protocol::message> broker_connection::receive(boot_time now) {
    while (socket_) {
        auto frames = socket_->receive();
        if (!frames) return std::nullopt;
        heard_ = now;
        auto message = protocol::decode(protocol::direction::from_broker, *frames);
        if (message) return std::move(*message);
        log::warning("broker_message_refused",
                     {{"endpoint", endpoint_}, {"error", name_of(message.error().code)}});
    }
    return std::nullopt;
}

bool broker_connection::heartbeat_due(boot_time now) {
    if (!introduced_ || now < next_heartbeat_) return false;
    next_heartbeat_ = now + interval_;
    return true;
}

bool broker_connection::lost(boot_time now) {
    // A broker may answer each READY with BYE: reconnect once in an interval, not in a tight loop.
    if (lost_) return now >= opened_ + interval_;
    if (!introduced_) return false;
    return socket_->losses() > 0 || now > heard_ + interval_ * limits::heartbeats_missed;
}

void broker_connection::set_interval(std::uint32_t milliseconds) {
    constexpr std::uint32_t least = 50, most = 10'000;
    interval_ = std::chrono::milliseconds(std::clamp(milliseconds, least, most));
}

}  // namespace vultus
