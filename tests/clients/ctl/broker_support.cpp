// See broker_support.hpp.
#include "tests/clients/ctl/broker_support.hpp"

#include <array>

namespace vultus::ctl {

fake_broker::fake_broker(const std::string& folder)
    : socket_(*zmq_socket::router(context_, "ipc://" + folder + "/run/broker-api.sock", {})) {
    protocol::worker_status worker;
    worker.worker_id = "host-1-cpu-0a0b0c0d";
    worker.state = "ready";
    worker.device = "cpu";
    worker.window = 4;
    workers_.push_back(worker);
    thread_ = std::thread([this] { serve(); });
}

fake_broker::~fake_broker() {
    stop_ = true;
    thread_.join();
}

void fake_broker::serve() {
    while (!stop_) {
        std::array<poll_item, 1> items{};
        items[0].socket = &socket_;
        poll(items, std::chrono::milliseconds{10});
        while (auto frames = socket_.receive()) answer(*frames);
    }
}

void fake_broker::answer(const std::vector<shared_bytes>& frames) {
    const auto body = std::span(frames).subspan(1);
    const auto message = protocol::decode(protocol::direction::to_broker, body);
    if (!message) return;
    if (const auto* drain = std::get_if<protocol::drain_worker>(&*message)) {
        for (auto& worker : workers_) {
            if (obeys_drain && worker.worker_id == drain->worker_id) worker.state = "draining";
        }
    }
    const auto send = [&](const std::vector<shared_bytes>& reply) {
        std::vector<shared_bytes> whole{frames[0]};
        whole.insert(whole.end(), reply.begin(), reply.end());
        socket_.send(whole);
    };
    if (const auto* question = std::get_if<protocol::status_request>(&*message)) {
        if (answers_rubbish_first) {
            send({"VLT1", "\x7f", "nonsense"});
            protocol::status_reply other;
            other.request_id = "earlier-question";
            send(protocol::encode(other));
        }
        protocol::status_reply reply;
        reply.request_id = question->request_id;
        reply.workers = workers_;
        send(protocol::encode(reply));
    }
}

}  // namespace vultus::ctl
