// The jobs of this worker, from the JOB message to the end of the attempt, and the rule for
// starting them: a solo job runs alone. Pure: no socket, no clock, no thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/pipeline/work_sink.hpp"

namespace vultus {

class attempt_table {
 public:
    /// Adds a job at the end. False if this attempt is known (a repeated JOB). An older attempt of
    /// the same job was lost and is dropped.
    bool add(leased_job job, std::size_t link);

    /// The next attempts to report as started, in order of arrival; they count as asked from now
    /// on. None while a solo job runs or is asked. A waiting solo job is given alone, when nothing
    /// runs, and no later job overtakes it.
    std::vector<attempt_id> ask(std::size_t most);

    /// The call failed: those asked wait again, in their old places.
    void ask_again();

    /// Redis confirmed all that were asked except `lost`. returns those confirmed, now running
    std::vector<job_ticket> start(const std::vector<attempt_id>& lost,
                                  const std::string& worker_id);

    /// Sets the drop flag and removes the attempt. returns the broker's index, or nothing if it is
    /// unknown
    std::optional<std::size_t> drop(const attempt_id& id);

    /// Removes a finished attempt. returns the broker's index, or nothing if it is unknown
    std::optional<std::size_t> finish(const attempt_id& id);

    /// Drops all attempts and returns them.
    std::vector<attempt_id> drop_all();

    /// Removes and returns the attempts that were not started, to be handed back.
    std::vector<attempt_id> take_waiting();

    std::vector<attempt_id> all() const;
    bool has(const attempt_id& id) const;
    bool empty() const noexcept { return jobs_.empty(); }
    std::size_t size() const noexcept { return jobs_.size(); }
    bool solo_running() const noexcept;

 private:
    enum class phase { waiting, asked, running };
    struct entry {
        leased_job job;
        std::size_t link = 0;
        phase at = phase::waiting;
        std::shared_ptr<drop_flag> dropped;
    };
    using place = std::vector<entry>::iterator;
    place find(const attempt_id& id);
    void remove(place where);

    std::vector<entry> jobs_;  ///< in order of arrival; few enough for a list
    std::size_t asked_ = 0, running_ = 0;
};

}  // namespace vultus
