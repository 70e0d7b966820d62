// A broker for the tests of vultusctl: answers STATUS and records DRAIN_WORKER, on its own socket
// in a temporary folder, in its own thread.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "shared/net/protocol.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus::ctl {

class fake_broker {
 public:
    explicit fake_broker(const std::string& folder);
    ~fake_broker();
    fake_broker(const fake_broker&) = delete;
    fake_broker& operator=(const fake_broker&) = delete;

    std::atomic<bool> answers_rubbish_first = false;
    std::atomic<bool> obeys_drain = true;

 private:
    void serve();
    void answer(const std::vector<shared_bytes>& frames);
    zmq_context context_;
    zmq_socket socket_;
    std::vector<protocol::worker_status> workers_;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace vultus::ctl
