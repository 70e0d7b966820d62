// A real api in the test's process: its own redis-server on a unix socket, the server on a free
// port, and a scripted broker and worker.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "api/handlers/application.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/broker_store.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/support/redis_server_support.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus::api::testing {

struct answer {
    int status = 0;
    std::map<std::string, std::string> fields;  ///< names in lower case
    std::string body;
    bool complete = false;  ///< false: the connection ended before its end
    std::string field(const std::string& name) const {
        const auto found = fields.find(name);
        return found == fields.end() ? "" : found->second;
    }
};

/// A connection to the api, byte by byte.
class connection {
 public:
    /// `from`  the address it comes from, one of 127.0.0.0/8
    explicit connection(int port, const char* from = "127.0.0.1");
    ~connection();
    bool send(std::string_view bytes);
    answer receive(bool head_only = false);
    /// Text up to and with `end`, or what came before the connection ended.
    std::string receive_until(std::string_view end);
    bool is_closed();  ///< waits until the other side closes
    void reset();      ///< closes with RST

 private:
    bool more();
    int fd_;
    std::string held_;
};

/// Answers what the broker would: frames by `on_frame`, STATUS with one worker.
class fake_broker {
 public:
    explicit fake_broker(const std::string& endpoint);
    ~fake_broker();
    using frame_answer = std::function<protocol::answer(const protocol::frame&)>;
    void on_frame(frame_answer what);  ///< from now on
    using status_change = std::function<void(protocol::status_reply&)>;
    void on_status(status_change what) {  ///< makes what it says of itself another, from now on
        const std::lock_guard lock(mutex_);
        on_status_ = std::move(what);
    }
    std::atomic<int> frames{0}, submits{0}, cancels{0};
    std::atomic<bool> with_worker{true};

 private:
    void serve();
    std::mutex mutex_;
    frame_answer on_frame_;
    status_change on_status_;
    zmq_context context_;
    zmq_socket socket_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

/// Leases jobs from Redis and completes them as told.
class fake_worker {
 public:
    explicit fake_worker(redis_address address);
    leased_job lease();  ///< waits for one
    void complete(const leased_job& job, std::string result, std::string annotated = {});
    void complete_train(const leased_job& job, const std::string& name, std::string picture = {});
    void fail(const leased_job& job, const error& why);
    redis_blocking redis;
    store_context store;
    broker_store leases{store};
    worker_store attempts{store};
    std::string id = "test-1-cpu-00000001";
    gallery_version version = 0;
};

class running_api {
 public:
    explicit running_api(std::function<void(api_settings&, server_settings&)> adjust = {});
    ~running_api();
    int port() const noexcept { return port_; }
    /// One request on a connection of its own.
    answer get(const std::string& target, const std::string& fields = {});
    answer call(const std::string& method, const std::string& target, const std::string& body = {},
                const std::string& fields = {});
    answer post_photo(const std::string& target, const std::string& fields = {});
    void wait_until_ready();
    /// Runs in the api's thread and waits for it.
    void inside(std::function<void(application&)> what);
    void drain();  ///< begins it and waits until the loop has ended

    temporary_folder folder;
    redis_server redis;
    std::unique_ptr<fake_broker> broker;

 private:
    std::unique_ptr<zmq_context> zmq_;
    asio::io_context io_;
    std::unique_ptr<application> app_;
    std::thread thread_;
    int port_ = 0;
};

/// The smallest PNG that the checks before 202 take, of that size.
std::string png(unsigned width = 8, unsigned height = 8);

/// The value of a string or number member of flat JSON text: enough for assertions.
std::string member(const std::string& json, const std::string& name);
/// The text without the members person_id, which a test may not know.
std::string without_ids(std::string json);

}  // namespace vultus::api::testing
