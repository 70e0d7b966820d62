// A session under test: a broker's ROUTER that the test holds in its hand, a sink that only notes
// what it is given, a real Redis.
#pragma once

#include <deque>
#include <mutex>
#include <thread>

#include "shared/net/zmq_socket.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/workers/pipeline/store_support.hpp"
#include "workers/session/worker_link.hpp"

namespace vultus::testing {

/// threads   called by the session's thread, asked by the test's
class noting_sink final : public work_sink {
 public:
    bool take(job_ticket job) override;
    bool take(frame_ticket frame) override;
    void registered(const std::string& worker_id, const model_choice& defaults) override;
    void fenced() override;
    void news(const std::string& collection, gallery_version version) override;

    std::vector<job_ticket> jobs() const;
    std::vector<frame_ticket> frames() const;
    std::vector<std::string> story() const;  ///< registered, fenced, news <c> <v>, in order
    void refuse_jobs() { refuse_ = true; }

 private:
    mutable std::mutex mutex_;  // a test's notebook, not a stage
    std::vector<job_ticket> jobs_;
    std::vector<frame_ticket> frames_;
    std::vector<std::string> story_;
    std::atomic<bool> refuse_{false};
};

class fake_broker {
 public:
    explicit fake_broker(const std::string& endpoint);
    /// The next message of this kind, at most 20 s; those before it are dropped.
    template <class Message>
    std::optional<Message> next() {
        std::optional<Message> found;
        comes_true([&] {
            pump();
            while (!found && !inbox_.empty()) {
                if (auto* wanted = std::get_if<Message>(&inbox_.front()))
                    found = std::move(*wanted);
                inbox_.pop_front();
            }
            return found.has_value();
        });
        return found;
    }
    /// Reads what is there, and answers heartbeats unless it is `mute`.
    void pump();
    void send(const protocol::message& what);  ///< to `peer`

    std::string peer;  ///< who sent the last message
    bool mute = false;

 private:
    std::deque<protocol::message> inbox_;
    zmq_context context_;
    zmq_socket socket_;
};

/// Everything of one session, with short times.
class running_session {
 public:
    running_session();
    ~running_session();
    void start();
    /// Asks for a drain and waits for the end.
    worker_link_end finish();
    worker_link_end wait_for_end();

    test_store world;
    temporary_folder folder;
    worker_link_settings settings;
    noting_sink sink;
    mailbox<session_mail> mail{1'000};
    progress stages;
    std::unique_ptr<fake_broker> broker;

 private:
    std::unique_ptr<worker_link> session_;
    std::thread thread_;
    std::atomic<int> ended_{-1};
};

}  // namespace vultus::testing
