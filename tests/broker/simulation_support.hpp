// One seed, one run: broker cores, workers, apis and a network that loses, repeats and delays, over
// a simulated Redis and a simulated clock. Nothing sleeps; a run replays exactly.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "broker/core.hpp"
#include "tests/broker/simulated_store_support.hpp"

namespace vultus::broker::testing {

class simulation {
 public:
    simulation(std::uint64_t seed, int brokers);

    /// 40 s with faults, then calm until everything is settled (at most 150 s more).
    /// returns   what did not hold, in words; empty: all did
    std::vector<std::string> run();

    struct counts {
        int jobs = 0, dead = 0, cancelled = 0, frames = 0, faults = 0;
        std::map<int, int> by_fault;  ///< of the numbers in fault()
    };
    static constexpr int fault_kinds = 12;
    const counts& seen() const noexcept { return counts_; }

 private:
    using milliseconds = std::chrono::milliseconds;
    struct broker_process {
        std::unique_ptr<core> it;
        int life = 0;  ///< grows with each restart
        boot_time frozen_until{0};
        std::deque<event> inbox;
        std::map<std::string, boot_time> twins;  ///< routing ids that another process has -> until
    };
    struct link {
        bool open = false, introduced = false;
        bool mute = false;  ///< its routing id was taken when it connected
        boot_time heard{0}, last_delivery{0}, cut_until{0}, slow_until{0}, next_beat{0};
        std::uint64_t last_n = 0;
    };
    struct worker_process {
        std::string id;
        std::uint64_t number = 0;  ///< of its sockets
        bool alive = true, registered = false;
        bool gpu = false;
        int life = 0;  ///< grows when it drops everything
        boot_time frozen_until{0}, fence_at{0}, renew_at{0}, reopened{0};
        std::vector<link> links;
        std::set<attempt_id> held;          ///< waiting or running
        std::map<attempt_id, int> waiting;  ///< not begun -> from which broker
        std::set<attempt_id> solo;
        std::set<std::string> frames;
        std::size_t active = 0;
        bool alone = false;  ///< what is active is a solo job
    };
    struct sent_frame {
        int broker = 0, life = 0, answers = 0;
        boot_time sent{0};
    };

    // the world
    int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    bool chance(int percent) { return draw(1, 100) <= percent; }
    void after(milliseconds delay, std::function<void()> what);
    void advance_to(boot_time end);
    unix_time wall() const { return now_ + wall_offset_; }
    void problem(std::string what);
    void fault();
    void restart_store();
    void restart_broker(int index);
    void submit_job();
    void submit_frame();
    void judge();

    // brokers
    void tell(int index, event what);
    void carry(int index, const effect& what);
    void send_to_worker(int index, const to_worker& what);
    void ask_store(int index, std::function<event()> run, std::function<event()> broken);
    void check_credits(int index);

    // workers
    void step(worker_process& one);
    void tend_links(worker_process& one);
    void drop_all(worker_process& one);
    void send_to_broker(worker_process& one, int index, protocol::message what);
    void hear(worker_process& one, int index, const protocol::message& what);
    void end_frame(worker_process& one, int index, const protocol::answer& reply);
    void begin_jobs(worker_process& one);
    void begin(worker_process& one, const attempt_id& attempt, int index);
    void end_job(worker_process& one, int life, const attempt_id& attempt, int index);
    void kill(worker_process& one);
    void come_twice(worker_process& one, int index);
    void leave(worker_process& one);
    milliseconds slowness(const link& l) {
        return milliseconds(now_ < l.slow_until ? draw(300, 2'500) : 0);
    }
    void add_worker();

    static constexpr std::uint32_t window_ = 8, frame_window_ = 4;
    std::mt19937_64 random_;
    boot_time now_{100'000};
    milliseconds wall_offset_{1'700'000'000'000};
    std::multimap<boot_time, std::function<void()>> agenda_;
    simulated_store store_;
    bool store_up_ = true, faults_ = true;
    int store_life_ = 0, names_ = 0;
    std::vector<broker_process> brokers_;
    std::vector<std::unique_ptr<worker_process>> workers_;
    std::map<std::string, sent_frame> frames_;
    std::vector<std::string> problems_;
    counts counts_;
};

}  // namespace vultus::broker::testing
