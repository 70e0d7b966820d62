// The worker's side of the protocol: registers in Redis, sends READY and HEARTBEAT to the brokers,
// receives JOB, FRAME, CANCEL and RELOAD, renews the leases, and stops serving (the fence) when it
// cannot. One thread, one poll loop, no blocking call; the work itself is behind work_sink. How a
// worker ends: workers/README.md.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "shared/base/stop_signal.hpp"
#include "shared/base/turn_watch.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/pipeline/attempt_table.hpp"
#include "workers/pipeline/mailbox.hpp"
#include "workers/pipeline/progress.hpp"
#include "workers/pipeline/work_sink.hpp"
#include "workers/session/broker_connection.hpp"
#include "workers/session/model_offer.hpp"

namespace vultus {

struct worker_link_settings {
    redis_address redis;
    std::vector<std::string> brokers;  ///< endpoints for workers, one DEALER each
    curve_keys curve;                  ///< of those DEALERs
    std::string host, device = "cpu", build;
    std::string gpu;  ///< name, memory and compute capability; empty: none
    std::function<protocol::worker_load()>
        load;  ///< called for each heartbeat; empty: no load is sent
    std::vector<std::string> types{announced_types.begin(), announced_types.end()};
    std::size_t dimension = limits::embedding_dimension_default;  ///< of its dlib network
    model_offer models = {};         ///< without names: registers as a worker of an older version
    std::uint32_t window = 64;       ///< jobs from each broker at one time
    std::uint32_t frame_window = 4;  ///< frames from each broker at one time
    std::chrono::milliseconds drain_timeout = limits::drain;
    std::chrono::milliseconds heartbeat = limits::heartbeat;
    std::chrono::milliseconds renew = limits::renew;
    std::chrono::milliseconds lease = limits::lease;
    std::chrono::milliseconds registration = limits::registration;
    std::chrono::milliseconds self_fence = limits::self_fence;
};

/// How run() ended: the exit code of the process.
enum class worker_link_end : int { drained = 0, stuck = 70 };

/// threads   run() is the one thread; other threads use the mailbox
class worker_link {
 public:
    worker_link(worker_link_settings settings, const store_context& context, work_sink& sink,
                mailbox<session_mail>& mail, const progress& stages);
    ~worker_link();
    worker_link(const worker_link&) = delete;
    worker_link& operator=(const worker_link&) = delete;

    /// Serves until a stop is requested, then finishes the work in progress (at most
    /// drain_timeout), hands back the rest and sends BYE. `stop` may be null (tests send
    /// drain_asked instead).
    worker_link_end run(stop_signal* stop);

 private:
    enum class phase { outside, registering, serving, closing, closed };
    struct held_frame {
        std::shared_ptr<drop_flag> dropped;
    };
    using frame_key = std::pair<std::size_t, std::string>;  ///< broker, frame id

    // worker_link.cpp: the loop and the brokers
    void wait_and_read(stop_signal* stop);
    void read_mail(boot_time now);
    void read_links(boot_time now);
    void tend_links(boot_time now);
    void reopen_links(boot_time now);
    void begin_drain(const std::string& reason, boot_time now);
    void close_when_empty(boot_time now);
    std::chrono::milliseconds patience(boot_time now) const;
    protocol::ready introduction() const;
    protocol::worker_heartbeat heartbeat_of(const broker_connection& link, std::size_t index) const;

    void on(std::size_t link, const protocol::job& what, boot_time now);
    void on(std::size_t link, protocol::frame&& what, boot_time now);
    void on(std::size_t link, const protocol::message& what, boot_time now);
    void hear(job_finished&& what, boot_time now);
    void hear(frame_answered&& what, boot_time now);
    void hear(gallery_held&& what, boot_time now);
    void hear(registration_gone&& what, boot_time now);
    void hear(drain_asked&& what, boot_time now);
    void release_frames();
    void cancel(const attempt_id& id);

    // worker_registration.cpp: Redis
    void tend_registration(boot_time now);
    void begin_registration();
    void send_registration();
    void registration_failed(const error& why);
    void renew_leases(boot_time now);
    void renewed(const renewal& said, boot_time sent_at);
    void fence(const std::string& why, boot_time now);
    void start_jobs(boot_time now);
    void start_failed(const std::vector<attempt_id>& asked, const error& why);
    void hand_back(const attempt_id& id);
    void end(const attempt_id& id, redis_call<committed> call);
    void say_bye();

    const worker_link_settings settings_;
    const store_context store_context_;
    const worker_store store_;
    work_sink& sink_;
    mailbox<session_mail>& mail_;
    const progress& stages_;
    turn_watch turns_;

    zmq_context context_;
    std::vector<broker_connection> links_;
    redis_client redis_;

    phase phase_ = phase::outside;
    std::string worker_id_;
    std::string forsaken_;          ///< an earlier worker id, to be removed from Redis
    std::uint64_t generation_ = 0;  ///< of the registration; replies to an older one are ignored
    std::uint64_t connection_ = 0;  ///< number of the open sockets, the same for all brokers
    attempt_table jobs_;
    std::map<frame_key, held_frame> frames_;
    std::vector<frame_ticket> parked_frames_;  ///< wait for the end of a solo job
    protocol::versions galleries_;             ///< served, as the loader reports

    boot_time fence_at_{0};  ///< serving ends here unless a renewal succeeds
    boot_time reopened_{0}, renew_at_{0}, register_at_{0}, start_at_{0}, stuck_since_{0},
        drain_until_{0};
    bool renewing_ = false, starting_ = false, draining_ = false, late_logged_ = false;
    std::size_t returning_ = 0;  ///< calls that end an attempt, without a reply yet
    int start_refused_ = 0;      ///< consecutive refusals of `started`
};

}  // namespace vultus
