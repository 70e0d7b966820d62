// See broker_client.hpp. ZeroMQ's descriptor is edge-triggered: the socket is drained after each
// event and after each send, and the promise of a reply exists before the request is sent.
#include "api/links/broker_client.hpp"

#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <map>

#include "api/links/promise.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"

namespace vultus::api {
namespace {

using answer_slot = std::shared_ptr<promise<protocol::answer>>;
using status_slot = std::shared_ptr<promise<protocol::status_reply>>;
using std::chrono::milliseconds;
constexpr milliseconds look_every{100};  ///< check for a broker that was lost with a photo
/// How long a photo is retried without a worker: a worker that lost a broker, or was restarted,
/// opens its connections at most once in a heartbeat interval.
constexpr milliseconds worker_grace{1'500};
constexpr milliseconds ask_again{50};

}  // namespace

struct broker_client::state : std::enable_shared_from_this<broker_client::state> {
    struct peer {
        peer(asio::io_context& io, zmq_socket opened, std::string address)
            : socket(std::move(opened)), descriptor(io), endpoint(std::move(address)) {}
        zmq_socket socket;
        asio::posix::stream_descriptor descriptor;
        std::string endpoint;
        boot_time heard{0};   ///< time of its last message, or of the first photo sent to it
        boot_time probed{0};  ///< time of the last STATUS to check that it is alive
        int listeners = 0;    ///< photos in flight at this broker
        bool refusal_told = false;
        bool silent = false;  ///< no reply for three heartbeats, and none since
    };

    explicit state(asio::io_context& loop) : io(loop) {}

    void watch(peer& one) {
        one.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [self = shared_from_this(), &one](boost::system::error_code bad) {
                                      if (bad || self->stopped) return;
                                      self->drain(one);
                                      self->watch(one);
                                  });
    }

    void drain(peer& one) {
        while (auto frames = one.socket.receive()) {
            one.heard = boot_now();
            one.silent = false;
            auto decoded = protocol::decode(protocol::direction::from_broker, *frames);
            if (!decoded) continue;
            if (auto* answer = std::get_if<protocol::answer>(&*decoded)) {
                const auto found = answers.find(answer->frame_id);
                if (found != answers.end()) found->second->set(std::move(*answer));
            } else if (auto* reply = std::get_if<protocol::status_reply>(&*decoded)) {
                const auto found = statuses.find(reply->request_id);
                if (found != statuses.end()) found->second->set(std::move(*reply));
            }
        }
    }

    bool send(peer& one, const protocol::message& what) {
        const bool ok = one.socket.send(protocol::encode(what)) == sent::ok;
        if (!ok) tell_refusal(one);
        drain(one);
        return ok;
    }

    /// A broker sends nothing unasked to an api: STATUS shows whether it is alive.
    void probe(peer& one, boot_time now) {
        if (now < std::max(one.heard, one.probed) + limits::heartbeat) return;
        one.probed = now;
        send(one, protocol::status_request{name + "-alive"});
        if (now >= one.heard + limits::heartbeat * limits::heartbeats_missed) one.silent = true;
    }

    /// Nothing: the connection to the broker was lost, or it is silent.
    asio::awaitable<std::optional<protocol::answer>> hear(peer& one, answer_slot slot,
                                                          std::uint64_t losses, boot_time until) {
        std::optional<protocol::answer> answer;
        while (!answer && !one.silent && boot_now() < until) {
            answer = co_await slot->wait(std::min(until - boot_now(), look_every));
            if (answer || stopped) break;
            if (one.socket.losses() != losses) break;
            probe(one, boot_now());
        }
        co_return answer;
    }

    /// errors    no_worker: reported, or the broker was lost; draining; deadline_exceeded
    asio::awaitable<result<protocol::answer>> ask(peer& one, protocol::frame what,
                                                  boot_time until) {
        what.frame_id = name + "-" + std::to_string(++counter);
        what.deadline_ms = std::max(until - boot_now(), milliseconds(0)).count();
        const auto slot = std::make_shared<promise<protocol::answer>>(io.get_executor());
        answers.emplace(what.frame_id, slot);
        if (one.listeners++ == 0) one.heard = boot_now();
        const auto losses = one.socket.losses();
        std::optional<protocol::answer> answer;
        if (send(one, what)) answer = co_await hear(one, slot, losses, until);
        --one.listeners;
        answers.erase(what.frame_id);
        if (!answer && boot_now() >= until) {
            co_return fail(errc::deadline_exceeded, "No worker answered in time");
        }
        if (!answer) co_return fail(errc::no_worker, "Connection to the broker was lost");
        const auto why = errc_named(answer->error);
        if (why == errc::no_worker || why == errc::draining) co_return fail(*why, answer->detail);
        co_return std::move(*answer);
    }

    /// Tries one broker after the other; a silent one gets STATUS only.
    asio::awaitable<result<protocol::answer>> ask_all(const protocol::frame& what,
                                                      boot_time until) {
        const auto first = turn++;
        result<protocol::answer> outcome = fail(errc::no_worker, "No broker connected");
        for (std::size_t i = 0; i < peers.size(); ++i) {
            auto& one = *peers[(first + i) % peers.size()];
            if (one.silent) {
                probe(one, boot_now());
                continue;
            }
            outcome = co_await ask(one, what, until);
            if (outcome) break;
            const auto why = outcome.error().code;
            if (why != errc::no_worker && why != errc::draining) break;
        }
        co_return outcome;
    }

    /// Logged once for each broker that refuses the connection.
    void tell_refusal(peer& one) {
        if (one.refusal_told || one.socket.handshakes().refused == 0) return;
        one.refusal_told = true;
        log::error("broker_refuses",
                   {{"endpoint", one.endpoint}, {"why", "keys do not match (see CURVE.md)"}});
    }

    void flush_hints() {
        protocol::submit hint;
        hint.job_ids = std::move(waiting);
        waiting.clear();
        for (auto& one : peers) send(*one, hint);
    }

    asio::io_context& io;
    std::vector<std::unique_ptr<peer>> peers;
    std::map<std::string, answer_slot> answers;
    std::map<std::string, status_slot> statuses;
    std::vector<std::string> waiting;  ///< job ids for the next SUBMIT
    std::string name = random_hex32();
    std::uint64_t counter = 0;
    std::size_t turn = 0;  ///< which broker is tried first
    std::size_t frame_bytes = 0;
    bool stopped = false;
};

broker_client::broker_client(std::shared_ptr<state> made) : state_(std::move(made)) {}

broker_client::~broker_client() {
    close();
}

void broker_client::close() {
    state_->stopped = true;
    boost::system::error_code ignored;
    for (auto& one : state_->peers) one->descriptor.close(ignored);
}

result<std::unique_ptr<broker_client>> broker_client::connect(
    asio::io_context& io, zmq_context& context, const std::vector<std::string>& endpoints,
    const curve_keys& curve) {
    auto made = std::make_shared<state>(io);
    zmq_options counted;
    counted.count_losses = true;
    counted.curve = curve;
    for (const auto& endpoint : endpoints) {
        auto socket = zmq_socket::dealer(context, endpoint, "api-" + made->name, counted);
        if (!socket) return fail(socket.error());
        made->peers.push_back(std::make_unique<state::peer>(io, std::move(*socket), endpoint));
        auto& one = *made->peers.back();
        const int copy = ::dup(one.socket.fd());
        if (copy < 0) return fail(errc::internal, "out of file descriptors");
        one.descriptor.assign(copy);
        made->drain(one);
        made->watch(one);
    }
    return std::unique_ptr<broker_client>(new broker_client(std::move(made)));
}

void broker_client::submit(std::string job_id) {
    auto& shared = *state_;
    shared.waiting.push_back(std::move(job_id));
    if (shared.waiting.size() >= limits::jobs_per_message) return shared.flush_hints();
    if (shared.waiting.size() > 1) return;
    asio::post(shared.io, [self = state_] {
        if (!self->stopped && !self->waiting.empty()) self->flush_hints();
    });
}

void broker_client::cancel(const std::string& job_id) {
    for (auto& one : state_->peers) state_->send(*one, protocol::cancel_request{job_id});
}

asio::awaitable<result<protocol::answer>> broker_client::ask(protocol::frame what,
                                                             std::chrono::milliseconds patience) {
    const auto self = state_;
    const auto bytes = what.image.size();
    if (self->frame_bytes + bytes > limits::frame_bytes_api) {
        co_return fail(errc::queue_full, "Too many unstored photos in progress");
    }
    self->frame_bytes += bytes;
    const auto until = boot_now() + patience;
    const auto give_up = std::min(until, boot_now() + worker_grace);
    auto outcome = co_await self->ask_all(what, until);
    while (!outcome && outcome.error().code != errc::deadline_exceeded && what.live_id.empty() &&
           boot_now() < give_up && !self->stopped) {
        asio::steady_timer pause(self->io, ask_again);
        co_await pause.async_wait(asio::use_awaitable);
        outcome = co_await self->ask_all(what, until);
    }
    self->frame_bytes -= bytes;
    co_return outcome;
}

std::map<std::string, protocol::worker_status> workers_of(
    const std::vector<broker_state>& brokers) {
    std::map<std::string, protocol::worker_status> workers;
    for (const auto& broker : brokers) {
        if (!broker.reply) continue;
        for (const auto& worker : broker.reply->workers) {
            const auto [at, fresh] = workers.emplace(worker.worker_id, worker);
            if (!fresh && worker.last_seen_ms < at->second.last_seen_ms) at->second = worker;
        }
    }
    return workers;
}

asio::awaitable<std::vector<broker_state>> broker_client::status(
    std::chrono::milliseconds patience) {
    const auto self = state_;
    std::vector<std::pair<std::string, status_slot>> asked;
    for (auto& one : self->peers) {
        auto id = self->name + "-" + std::to_string(++self->counter);
        auto slot = std::make_shared<promise<protocol::status_reply>>(self->io.get_executor());
        self->statuses.emplace(id, slot);
        if (!self->send(*one, protocol::status_request{id})) slot = nullptr;
        asked.emplace_back(std::move(id), std::move(slot));
    }
    const auto until = boot_now() + patience;
    std::vector<broker_state> told;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        auto& [id, slot] = asked[i];
        broker_state row{self->peers[i]->endpoint, {}};
        const auto left = std::max(until - boot_now(), std::chrono::milliseconds(1));
        if (slot) row.reply = co_await slot->wait(left);
        self->statuses.erase(id);
        told.push_back(std::move(row));
    }
    co_return told;
}

}  // namespace vultus::api
