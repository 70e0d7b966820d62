// See broker_admin.hpp.
#include "clients/ctl/brokers/broker_admin.hpp"

#include <array>

#include "shared/base/ids.hpp"

namespace vultus::ctl {
namespace {

constexpr std::chrono::milliseconds step{20};  // the connection is made in the background: poll

}  // namespace

result<broker_admin> broker_admin::open(zmq_context& context, const std::string& endpoint,
                                        const curve_keys& curve) {
    zmq_options options;
    options.linger = std::chrono::milliseconds{0};
    options.curve = curve;
    auto socket = zmq_socket::dealer(context, endpoint, "", options);
    if (!socket) return fail(socket.error());
    return broker_admin(std::move(*socket));
}

bool broker_admin::send_by(const protocol::message& what, boot_time deadline) {
    const auto frames = protocol::encode(what);
    while (socket_.send(frames) != sent::ok) {
        if (boot_now() >= deadline) return false;
        std::array<poll_item, 1> items{};
        items[0].socket = &socket_;
        items[0].want_write = true;
        poll(items, step);
    }
    return true;
}

std::optional<protocol::status_reply> broker_admin::status(std::chrono::milliseconds patience) {
    const boot_time deadline = boot_now() + patience;
    const protocol::status_request question{random_hex32()};
    if (!send_by(question, deadline)) return std::nullopt;
    while (true) {
        while (auto frames = socket_.receive()) {
            auto message = protocol::decode(protocol::direction::from_broker, *frames);
            if (!message) continue;
            auto* reply = std::get_if<protocol::status_reply>(&*message);
            if (reply != nullptr && reply->request_id == question.request_id)
                return std::move(*reply);
        }
        const boot_time now = boot_now();
        if (now >= deadline) return std::nullopt;
        std::array<poll_item, 1> items{};
        items[0].socket = &socket_;
        poll(items, deadline - now);
    }
}

bool broker_admin::drain(const std::string& worker_id, std::chrono::milliseconds patience) {
    return send_by(protocol::drain_worker{worker_id}, boot_now() + patience);
}

void broker_admin::submit(const std::string& job_id, unsigned shard) {
    socket_.send(protocol::encode(protocol::submit{shard, {job_id}}));
}

}  // namespace vultus::ctl
