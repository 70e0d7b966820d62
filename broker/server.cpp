// Sockets, Redis and time around the core. See server.hpp.
#include "broker/server.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/log.hpp"
#include "shared/model/person_key.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/person_store.hpp"
#include "shared/store/retention.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/store_setup.hpp"
#include "shared/store/worker_store.hpp"

namespace vultus::broker {
namespace {

constexpr int messages_per_turn = 256;  ///< of one socket, so that neither socket starves the other
constexpr int wrong_store = 2, cannot_listen = 1;
constexpr std::size_t people_at_once = 20;  ///< forgotten in one call, retention
constexpr int index_steps = 20;             ///< of people without a record, in one turn

core_options options_of(const broker_settings& settings, std::string broker_id) {
    core_options options;
    options.broker_id = std::move(broker_id);
    options.drain_timeout = settings.drain_timeout;
    return options;
}

}  // namespace

result<std::unique_ptr<server>> server::open(zmq_context& context,
                                             const broker_settings& settings) {
    std::unique_ptr<zap_handler> zap;  // before any other socket of the context
    if (!settings.common.curve.own.empty()) {
        auto opened = zap_handler::open(context, settings.common.curve);
        if (!opened) return fail(opened.error());
        zap = std::move(*opened);
    }
    const auto options = [&](side of) { return zap ? zap->options(of) : zmq_options{}; };
    auto workers = zmq_socket::router(context, settings.common.broker_worker_endpoints.at(0),
                                      options(side::worker));
    if (!workers) return fail(workers.error());
    auto apis =
        zmq_socket::router(context, settings.common.broker_api_endpoints.at(0), options(side::api));
    if (!apis) return fail(apis.error());
    if (zap) {
        if (const auto proven = zap->prove(*workers, *apis); !proven) return fail(proven.error());
    }
    return std::unique_ptr<server>(new server(settings, std::move(zap), std::move(*workers),
                                              std::move(*apis), random_hex32()));
}

server::server(const broker_settings& settings, std::unique_ptr<zap_handler> zap,
               zmq_socket workers, zmq_socket apis, std::string broker_id)
    : settings_(settings),
      core_(options_of(settings, std::move(broker_id))),
      zap_(std::move(zap)),
      workers_(std::move(workers)),
      apis_(std::move(apis)),
      redis_(settings.common.redis, redis_timeouts{}) {
    redis_.set_on_change([this](bool connected) { post(store_link{connected}); });
}

int server::run(stop_signal& stop) {
    log::info("listening", {{"workers", workers_.endpoint()},
                            {"apis", apis_.endpoint()},
                            {"links", zap_ ? "curve" : "plain"}});
    refused_before_ = workers_.handshakes().refused + apis_.handshakes().refused;
    while (!ended_) {
        wait(stop);
        if (zap_) serve_zap();
        if (ended_) break;
        receive(side::worker, workers_);
        receive(side::api, apis_);
        post(tick{});
        settle();
    }
    return exit_code_;
}

void server::wait(stop_signal& stop) {
    std::vector<poll_item> items(3);
    items[0].socket = &workers_;
    items[1].socket = &apis_;
    items[2].fd = stop.fd();
    if (zap_) items.push_back({&zap_->socket()});
    const bool with_redis = redis_.fd() >= 0;
    if (with_redis) {
        items.push_back({nullptr, redis_.fd(), redis_.wants_read(), redis_.wants_write()});
    }

    end_turn();
    boot_time next = std::min(core_.next_timer(), redis_.next_timer());
    if (zap_) next = std::min(next, zap_->next_check());
    const boot_time now = boot_now();
    poll(items, next > now ? next - now : std::chrono::milliseconds(0));
    turns_.begin();

    const boot_time after = boot_now();
    const poll_item& last = items.back();
    redis_.on_polled(with_redis && last.readable, with_redis && last.writable, after);
    if (items[2].readable && stop.asked() && !stopping_) {
        stopping_ = true;
        post(broker::stop{});
    }
    settle();
}

void server::end_turn() {
    const auto cpu = turns_.longest_cpu(), wall = turns_.longest_wall();
    turns_.end();
    if (turns_.longest_cpu() == cpu && turns_.longest_wall() == wall) return;
    using std::chrono::microseconds;
    post(turn_measured{std::chrono::duration_cast<microseconds>(turns_.longest_cpu()),
                       std::chrono::duration_cast<microseconds>(turns_.longest_wall())});
}

void server::serve_zap() {
    zap_->answer();
    count_refused();
    if (!zap_->reread(boot_now())) return;
    for (zmq_socket* one : {&workers_, &apis_}) {
        const auto open = one->reopen();
        if (open) continue;
        log::error("cannot_listen_again", {{"why", open.error().detail}});
        exit_code_ = cannot_listen;  // the supervisor starts a new process
        ended_ = true;
        return;
    }
}

void server::count_refused() {
    const std::uint64_t all = workers_.handshakes().refused + apis_.handshakes().refused;
    if (all == refused_before_) return;
    post(peers_refused{all - refused_before_});
    refused_before_ = all;
}

void server::receive(side from, zmq_socket& socket) {
    for (int count = 0; count < messages_per_turn; ++count) {
        auto frames = socket.receive();
        if (!frames) return;
        if (frames->empty()) continue;
        std::string connection = frames->front().copied();
        auto message =
            protocol::decode(protocol::direction::to_broker, std::span(*frames).subspan(1));
        if (message) {
            post(received{from, std::move(connection), std::move(*message)});
        } else if (message.error().code == errc::wrong_version) {
            post(undecodable{from, std::move(connection)});
        } else {
            log_malformed(from, message.error());
        }
        settle();
    }
}

// Between processes of one version this is a defect. Logged at most every 10 s.
void server::log_malformed(side from, const error& why) {
    const boot_time now = boot_now();
    if (now < log_malformed_at_) return;
    log_malformed_at_ = now + std::chrono::seconds(10);
    log::warning("malformed_message",
                 {{"from", from == side::worker ? "worker" : "api"}, {"why", why.detail}});
}

void server::settle() {
    while (!events_.empty()) {
        event next = std::move(events_.front());
        events_.pop_front();
        for (const effect& wanted : core_.handle(std::move(next), boot_now())) {
            std::visit([this](const auto& one) { carry_out(one); }, wanted);
        }
    }
}

void server::send(side to, const std::string& connection, const protocol::message& what) {
    if (std::holds_alternative<protocol::job>(what)) failpoint("broker.before_send");
    std::vector<shared_bytes> frames = protocol::encode(what);
    frames.insert(frames.begin(), connection);
    const sent outcome = (to == side::worker ? workers_ : apis_).send(frames);
    // An api that is gone sends its request again, or has ended: nothing has to be undone.
    if (outcome == sent::ok || to == side::api) return;
    post(send_failed{connection, outcome == sent::unreachable, what});
}

void server::prepare() {
    vultus::prepare_store(redis_, context_, [this](result<void> ready) {
        if (ready) {
            was_ready_ = true;
            return read_time();
        }
        const error& why = ready.error();
        if (why.code == errc::wrong_version || (!was_ready_ && refuses_start(why.code))) {
            std::fprintf(stderr, "vultus-broker: %s\n", why.detail.c_str());
            exit_code_ = wrong_store;
            ended_ = true;
        }
        post(store_prepared{fail(why)});
    });
}

void server::read_time() {
    redis_.send<unix_time>(store_schema(context_).time(),
                           [this](result<unix_time> now) { post(store_prepared{std::move(now)}); });
}

void server::carry_out(const check_store&) {
    redis_.send<void>(store_schema(context_).check_settings(),
                      [this](result<void> safe) { post(store_checked{std::move(safe)}); });
}

void server::carry_out(const lease& call) {
    redis_.send<leased_jobs>(store_.lease(call.request),
                             [this, ticket = call.ticket](result<leased_jobs> outcome) {
                                 failpoint("broker.after_lease");
                                 post(leased{ticket, std::move(outcome)});
                             });
}

void server::carry_out(const hand_back& one) {
    // If it fails, the lease lapses and the job is reaped.
    redis_.send<committed>(worker_store(context_).hand_back(one.attempt, one.worker_id),
                           [](result<committed>) {});
}

void server::carry_out(const report_lost& loss) {
    redis_.send<moved>(store_.worker_lost(loss.worker_id, loss.connection),
                       [this, loss](result<moved> outcome) {
                           post(loss_reported{loss.worker_id, loss.connection, std::move(outcome)});
                       });
}

void server::carry_out(const run_duty& call) {
    const auto report = [this, which = call.which](result<moved> outcome) {
        if (which == duty::reap) failpoint("broker.in_reap");
        if (which == duty::barrier) failpoint("broker.in_barrier");
        post(duty_done{which, std::move(outcome)});
    };
    switch (call.which) {
        case duty::reap:
            redis_.send<moved>(store_.reap(call.expected_now, limits::lease), report);
            break;
        case duty::barrier:
            redis_.send<moved>(store_.barrier(call.expected_now), report);
            break;
        case duty::collect:
            redis_.send<moved>(store_.gc(settings_.retention, settings_.finished_jobs_max,
                                         settings_.finished_bytes_max),
                               [this, report](result<moved> outcome) {
                                   forget_unseen(std::move(outcome), [this, report](auto all) {
                                       if (!all) return report(std::move(all));
                                       index_people(*all, index_steps, report);
                                   });
                               });
            break;
    }
}

/// After gc: forgets people whose retention is over.
void server::forget_unseen(result<moved> collected,
                           const std::function<void(result<moved>)>& done) {
    if (!collected) return done(std::move(collected));
    redis_.send<std::vector<unseen_person>>(
        retention_store(context_).unseen(people_at_once), [this, done, gc = *collected](auto due) {
            if (!due || due->empty()) return done(gc);
            struct tally {
                moved all;
                std::size_t open = 0;
            };
            const auto count = std::make_shared<tally>(tally{gc, due->size()});
            const auto secret = read_secret_file(settings_.secret_file).value_or("");
            for (const unseen_person& one : *due) {
                redis_.send<bool>(retention_store(context_).forget_unseen(
                                      new_job_id(unix_now(), context_.shard()), one,
                                      hash_of_label(name_of_key(one.label), secret)),
                                  [done, count](result<bool> forgotten) {
                                      if (forgotten && *forgotten) ++count->all.count;
                                      if (--count->open == 0) done(count->all);
                                  });
            }
        });
}

/// After that: gives people of before there were records theirs, some steps at a time.
void server::index_people(moved collected, int steps, std::function<void(result<moved>)> done) {
    redis_.send<unindexed_people>(
        person_store(context_).unindexed(), [this, collected, steps, done](auto next) mutable {
            if (!next || next->collection.empty()) return done(collected);
            failpoint("broker.in_index");
            const bool last = next->last;
            redis_.send<void>(person_store(context_).put_index(*next),
                              [this, collected, steps, done, last,
                               of = next->collection](result<void> outcome) mutable {
                                  if (!outcome) return done(collected);
                                  if (last) log::info("people_indexed", {{"collection", of}});
                                  if (steps > 1) return index_people(collected, steps - 1, done);
                                  collected.again = true;
                                  done(collected);
                              });
        });
}

void server::carry_out(const read_gallery& call) {
    redis_.send<gallery_info>(gallery_reader(context_).gallery(call.collection),
                              [this, collection = call.collection](result<gallery_info> found) {
                                  if (found) {
                                      post(gallery_read{collection, found->version});
                                  } else {
                                      post(gallery_read{collection, fail(found.error())});
                                  }
                              });
}

void server::carry_out(const note& line) {
    if (line.worker.empty()) {
        log::write(line.level, line.what, {{"why", line.detail}});
    } else {
        log::write(line.level, line.what, {{"worker", line.worker}, {"why", line.detail}});
    }
}

}  // namespace vultus::broker
