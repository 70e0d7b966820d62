// See server_support.hpp.
#include "tests/api/http/server_support.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <future>

#include "shared/store/store_setup.hpp"

namespace vultus::api::testing {
namespace {

using std::chrono::milliseconds;
// A bound for a broken test, not a time that is waited; below the 15 s after which a stream looks
// anyway.
constexpr int patience_ms = 12'000;

}  // namespace

connection::connection(int port, const char* from) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const auto at = htons(static_cast<std::uint16_t>(port));
    sockaddr_in own{AF_INET, 0, {::inet_addr(from)}, {}};
    sockaddr_in to{AF_INET, at, {htonl(INADDR_LOOPBACK)}, {}};
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
}

connection::~connection() {
    if (fd_ >= 0) ::close(fd_);
}

bool connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool connection::more() {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, patience_ms) <= 0) {
        ADD_FAILURE() << "the api did not answer";
        return false;
    }
    char bytes[65536];
    const auto size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    held_.append(bytes, static_cast<std::size_t>(size));
    return true;
}

std::string connection::receive_until(std::string_view end) {
    std::size_t at = 0;
    while ((at = held_.find(end)) == std::string::npos) {
        if (!more()) return std::exchange(held_, {});
    }
    auto text = held_.substr(0, at + end.size());
    held_.erase(0, at + end.size());
    return text;
}

answer connection::receive(bool head_only) {
    answer got;
    const auto head = receive_until("\r\n\r\n");
    if (head.size() < 12 || !head.ends_with("\r\n\r\n")) return got;
    got.status = std::atoi(head.c_str() + 9);
    for (auto at = head.find("\r\n") + 2; at + 2 < head.size();) {
        const auto end = head.find("\r\n", at);
        const auto colon = head.find(": ", at);
        std::string name = head.substr(at, colon - at);
        for (char& c : name) c = static_cast<char>(std::tolower(c));
        got.fields[name] = head.substr(colon + 2, end - colon - 2);
        at = end + 2;
    }
    if (head_only) return got.complete = true, got;
    if (got.field("transfer-encoding") == "chunked") {
        while (true) {
            const auto size = std::stoul(receive_until("\r\n"), nullptr, 16);
            auto piece = receive_until("\r\n");
            while (piece.size() < size + 2) piece += receive_until("\r\n");
            if (size == 0) break;
            got.body += piece.substr(0, size);
        }
        got.complete = true;
        return got;
    }
    const auto length = std::strtoul(got.field("content-length").c_str(), nullptr, 10);
    while (held_.size() < length && more()) {
    }
    got.complete = held_.size() >= length;
    got.body = held_.substr(0, length);
    held_.erase(0, length);
    return got;
}

bool connection::is_closed() {
    while (more()) {
    }
    return true;
}

void connection::reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(fd_, -1));
}

fake_broker::fake_broker(const std::string& endpoint)
    : socket_(std::move(*zmq_socket::router(context_, endpoint, {}))),
      thread_([this] { serve(); }) {}

fake_broker::~fake_broker() {
    stop_ = true;
    thread_.join();
}

void fake_broker::on_frame(frame_answer what) {
    const std::lock_guard lock(mutex_);
    on_frame_ = std::move(what);
}

void fake_broker::serve() {
    while (!stop_) {
        poll_item item;
        item.socket = &socket_;
        vultus::poll({&item, 1}, milliseconds(20));
        while (auto parts = socket_.receive()) {
            const shared_bytes peer = parts->front();
            parts->erase(parts->begin());
            const auto came = protocol::decode(protocol::direction::to_broker, *parts);
            if (!came) continue;
            std::vector<shared_bytes> reply;
            if (const auto* frame = std::get_if<protocol::frame>(&*came)) {
                ++this->frames;
                const std::lock_guard lock(mutex_);
                reply = protocol::encode(on_frame_(*frame));
            } else if (const auto* asked = std::get_if<protocol::status_request>(&*came)) {
                protocol::status_reply told;
                told.request_id = asked->request_id;
                told.broker_id = "fake";
                if (with_worker) {
                    told.workers.emplace_back().worker_id = "w-1";
                    told.workers.back().state = "ready";
                }
                const std::lock_guard lock(mutex_);
                if (on_status_) on_status_(told);
                reply = protocol::encode(told);
            } else if (std::get_if<protocol::submit>(&*came) != nullptr) {
                ++submits;
            } else if (std::get_if<protocol::cancel_request>(&*came) != nullptr) {
                ++cancels;
            }
            if (reply.empty()) continue;
            reply.insert(reply.begin(), peer);
            socket_.send(reply);
        }
    }
}

fake_worker::fake_worker(redis_address address) : redis(std::move(address)) {
    EXPECT_TRUE(prepare_store(redis, store));
    registration who;
    who.worker_id = id;
    who.connection = id + ".1";
    who.host = "test";
    who.device = "cpu";
    who.types = {"recognize", "train"};
    who.lasts = std::chrono::minutes(5);
    EXPECT_TRUE(redis.call(attempts.register_worker(who)));
}

leased_job fake_worker::lease() {
    lease_request wanted;
    wanted.worker_id = id;
    wanted.connection = id + ".1";
    wanted.most = 1;
    wanted.types = {"recognize", "train"};
    for (int i = 0; i < 2'000; ++i) {
        const auto got = redis.call(leases.lease(wanted));
        EXPECT_TRUE(got) << got.error().detail;
        if (!got) break;
        if (!got->jobs.empty()) return got->jobs.front();
        ::poll(nullptr, 0, 5);
    }
    ADD_FAILURE() << "no job came";
    return {};
}

void fake_worker::complete(const leased_job& job, std::string result, std::string annotated) {
    const auto done = redis.call(attempts.complete_recognize(
        {job.job_id, job.attempt}, id, std::max(version, job.min_version), std::move(result),
        std::move(annotated)));
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->state, commit_state::succeeded);
}

void fake_worker::complete_train(const leased_job& job, const std::string& name,
                                 std::string picture) {
    new_face face;
    face.face_id = job.job_id + "-0";
    face.json = R"({"job_id":")" + job.job_id +
                R"(","created_at":"2026-03-02T09:30:00.120Z","box":{"left":1,"top":2,"right":3,)"
                R"("bottom":4},"detection_score":1.5})";
    face.vector.assign(512, '\0');
    face.picture = std::move(picture);
    const auto done = redis.call(attempts.complete_train(
        {job.job_id, job.attempt}, id,
        R"({"files":[{"index":0,"state":"accepted","face_id":")" + face.face_id + "\"}]}", "model",
        {face}));
    ASSERT_TRUE(done) << done.error().detail;
    (void)name;
}

void fake_worker::fail(const leased_job& job, const error& why) {
    const auto done =
        redis.call(attempts.fail_job({job.job_id, job.attempt}, id, why, milliseconds(0)));
    ASSERT_TRUE(done) << done.error().detail;
}

running_api::running_api(std::function<void(api_settings&, server_settings&)> adjust)
    : zmq_(std::make_unique<zmq_context>()), io_(1) {
    api_settings settings;
    server_settings timing;
    settings.port = 0;
    settings.drain_grace = milliseconds(0);
    settings.common.redis = redis.address();
    settings.common.broker_api_endpoints = {"ipc://" + folder.path() + "/broker.sock"};
    if (adjust) adjust(settings, timing);
    broker = std::make_unique<fake_broker>(settings.common.broker_api_endpoints.front());
    auto made = application::start(io_, *zmq_, settings, timing);
    if (!made) {
        ADD_FAILURE() << made.error().detail;
        return;
    }
    app_ = std::move(*made);
    port_ = app_->port();
    thread_ = std::thread([this] { app_->run(); });
    wait_until_ready();
}

running_api::~running_api() {
    drain();
    broker.reset();
}

void running_api::drain() {
    if (!thread_.joinable()) return;
    asio::co_spawn(
        io_, [this]() { return app_->drain(); }, asio::detached);
    thread_.join();
}

void running_api::inside(std::function<void(application&)> what) {
    std::promise<void> done;
    asio::post(io_, [&] {
        what(*app_);
        done.set_value();
    });
    done.get_future().wait();
}

void running_api::wait_until_ready() {
    for (int i = 0; i < 2'000; ++i, ::poll(nullptr, 0, 5)) {
        const int said = get("/healthz/ready").status;  // 400: it speaks TLS
        if (said == 200 || said == 400) return;
    }
    ADD_FAILURE() << "the api does not become ready";
}

answer running_api::get(const std::string& target, const std::string& fields) {
    return call("GET", target, {}, fields);
}

answer running_api::call(const std::string& method, const std::string& target,
                         const std::string& body, const std::string& fields) {
    connection to(port_);
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields;
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    to.send(text + "\r\n" + body);
    return to.receive(method == "HEAD");
}

answer running_api::post_photo(const std::string& target, const std::string& fields) {
    return call("POST", target, png(), "Content-Type: image/png\r\n" + fields);
}

std::string png(unsigned width, unsigned height) {
    const auto number = [](unsigned value) {
        return std::string{static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                           static_cast<char>(value >> 8), static_cast<char>(value)};
    };
    const auto chunk = [&](const std::string& kind, const std::string& data) {
        return number(static_cast<unsigned>(data.size())) + kind + data + std::string(4, '\0');
    };
    return std::string("\x89PNG\r\n\x1a\n", 8) +
           chunk("IHDR", number(width) + number(height) + std::string("\x08\x02\0\0\0", 5)) +
           chunk("IDAT", std::string(16, 'x')) + chunk("IEND", "");
}

std::string without_ids(std::string json) {
    constexpr std::string_view id = R"("person_id":")";
    for (auto at = json.find(id); at != json.npos; at = json.find(id)) {
        json.erase(at, json.find('"', at + id.size()) + 2 - at);  // and the comma
    }
    return json;
}

std::string member(const std::string& json, const std::string& name) {
    const auto at = json.find("\"" + name + "\":");
    if (at == std::string::npos) return {};
    auto from = at + name.size() + 3;
    if (json[from] == '"') {
        ++from;
        return json.substr(from, json.find('"', from) - from);
    }
    return json.substr(from, json.find_first_of(",}", from) - from);
}

}  // namespace vultus::api::testing
