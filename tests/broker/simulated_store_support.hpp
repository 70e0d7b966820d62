// Redis for the simulation: the queue's rules of shared/REDIS.md, as far as a broker meets them, in
// plain C++ with an own clock. It keeps count of what may happen once only.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/events.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"

namespace vultus::broker::testing {

enum class simulated_state { pending, running, succeeded, dead, cancelled };

struct simulated_job {
    simulated_state state = simulated_state::pending;
    bool poison = false;   ///< ends the worker that starts it
    bool for_gpu = false;  ///< preferably for a worker with a GPU
    unix_time came{0};
    bool solo = false, started = false, cancel = false;
    std::uint64_t attempt = 0;
    int crashes = 0, effects = 0;
    std::string worker;
    unix_time lease_until{0};
};

/// threads   one owner
class simulated_store {
 public:
    // the broker's calls
    result<leased_jobs> lease(const lease_request& wanted, unix_time now);
    result<moved> worker_lost(const std::string& worker_id, std::uint64_t connection);
    moved reap(unix_time expected_now, unix_time now);
    moved barrier(unix_time expected_now, unix_time now);
    void hand_back(const attempt_id& attempt, const std::string& worker_id);

    // the workers' calls
    void enlist(const std::string& worker_id, std::uint64_t connection, unix_time now);
    /// False: not registered. `running` loses the attempts that are not the worker's any more.
    bool renew(const std::string& worker_id, std::uint64_t connection,
               std::set<attempt_id>& running, unix_time now);
    bool start(const attempt_id& attempt, const std::string& worker_id);
    bool complete(const attempt_id& attempt, const std::string& worker_id);
    void bye(const std::string& worker_id);

    // the api's
    void accept(const std::string& id, bool poison, bool for_gpu, unix_time now);
    void cancel(const std::string& id);

    void restarted(unix_time now);  ///< kill -9 and start: every lease gets its grace
    bool settled() const;           ///< every job has ended
    const std::map<std::string, simulated_job>& jobs() const noexcept { return jobs_; }

 private:
    struct entry {
        std::uint64_t connection = 0;
        unix_time lapses{0};
    };
    void mark_lost(const std::string& id, bool counted);
    /// Who comes next in the line for a worker with that wish; taken from it. "": nobody.
    std::string next_for(const lease_request& wanted, std::uint32_t& spill);
    std::uint64_t lose_all_of(const std::string& worker_id);
    bool in_grace(unix_time expected_now, unix_time now);
    simulated_job* owned(const attempt_id& attempt, const std::string& worker_id);

    std::map<std::string, simulated_job> jobs_;
    std::deque<std::string> line_;  ///< front is the front
    std::map<std::string, entry> workers_;
    unix_time grace_until_{0};
};

}  // namespace vultus::broker::testing
