// See worker_link_support.hpp.
#include "tests/workers/session/worker_link_support.hpp"

namespace vultus::testing {

bool noting_sink::take(job_ticket job) {
    if (refuse_) return false;
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    return true;
}
bool noting_sink::take(frame_ticket frame) {
    std::lock_guard lock(mutex_);
    frames_.push_back(std::move(frame));
    return true;
}
void noting_sink::registered(const std::string&, const model_choice&) {
    std::lock_guard lock(mutex_);
    story_.push_back("registered");
}
void noting_sink::fenced() {
    std::lock_guard lock(mutex_);
    story_.push_back("fenced");
}
void noting_sink::news(const std::string& collection, gallery_version version) {
    std::lock_guard lock(mutex_);
    story_.push_back("news " + collection + " " + std::to_string(version));
}
std::vector<job_ticket> noting_sink::jobs() const {
    std::lock_guard lock(mutex_);
    return jobs_;
}
std::vector<frame_ticket> noting_sink::frames() const {
    std::lock_guard lock(mutex_);
    return frames_;
}
std::vector<std::string> noting_sink::story() const {
    std::lock_guard lock(mutex_);
    return story_;
}

fake_broker::fake_broker(const std::string& endpoint)
    : socket_(std::move(zmq_socket::router(context_, endpoint, {}).value())) {}

void fake_broker::pump() {
    while (auto frames = socket_.receive()) {
        if (frames->size() < 2) continue;
        peer = frames->front().copied();
        frames->erase(frames->begin());
        auto message = protocol::decode(protocol::direction::to_broker, *frames);
        EXPECT_TRUE(message) << message.error().detail;
        if (!message) continue;
        if (std::holds_alternative<protocol::worker_heartbeat>(*message) && !mute) {
            send(protocol::broker_heartbeat{100, 0, {}});
        }
        inbox_.push_back(std::move(*message));
    }
}

void fake_broker::send(const protocol::message& what) {
    std::vector<shared_bytes> frames = protocol::encode(what);
    frames.insert(frames.begin(), peer);
    socket_.send(frames);  // to a socket that is gone: nobody is there to mind
}

running_session::running_session() {
    settings.redis = world.server.address();
    settings.brokers = {"ipc://" + folder.path() + "/broker"};
    settings.host = "host";
    settings.build = "test";
    settings.heartbeat = std::chrono::milliseconds(100);
    settings.renew = std::chrono::milliseconds(300);
    settings.drain_timeout = std::chrono::seconds(15);
    broker = std::make_unique<fake_broker>(settings.brokers.front());
}

void running_session::start() {
    session_ = std::make_unique<worker_link>(settings, world.store, sink, mail, stages);
    thread_ = std::thread([this] { ended_ = static_cast<int>(session_->run(nullptr)); });
}

worker_link_end running_session::finish() {
    mail.push(drain_asked{"test"});
    return wait_for_end();
}

worker_link_end running_session::wait_for_end() {
    thread_.join();
    return static_cast<worker_link_end>(ended_.load());
}

running_session::~running_session() {
    if (thread_.joinable()) {
        for (const job_ticket& job : sink.jobs()) mail.push(job_finished{job.id(), {}, {}});
        for (const frame_ticket& frame : sink.frames()) {
            protocol::answer nothing;
            nothing.frame_id = frame.frame.frame_id;
            mail.push(frame_answered{nothing, frame.link, 0});
        }
        finish();
    }
}

}  // namespace vultus::testing
