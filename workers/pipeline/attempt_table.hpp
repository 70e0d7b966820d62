// The jobs that this worker has, from the JOB message to the end of the attempt, and the rule which
// of them may start: a solo job runs with nothing beside it. Pure: no socket, no clock, no thread.
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
    /// Puts a job at the end of the line. False if this attempt is here already (a repeated JOB).
    /// An older attempt of the same job is another's business by now: it is dropped.
    bool add(leased_job job, std::size_t link);

    /// Attempts to ask Redis about next, in the order they came; they count as asked from now on.
    /// Nothing while a solo job runs or is asked about; a waiting solo job only when all is quiet,
    /// and nobody overtakes it.
    std::vector<attempt_id> ask(std::size_t most);

    /// Redis could not say: those asked wait again, at their old places.
    void ask_again();

    /// Redis said yes to all that were asked but `lost`: gives those, now running.
    std::vector<job_ticket> start(const std::vector<attempt_id>& lost,
                                  const std::string& worker_id);

    /// Sets the drop flag and forgets the attempt. The broker's index, or nothing if it is not
    /// here.
    std::optional<std::size_t> drop(const attempt_id& id);

    /// Forgets a finished attempt. The broker's index, or nothing if it is not here.
    std::optional<std::size_t> finish(const attempt_id& id);

    /// Drops everything and gives what that was.
    std::vector<attempt_id> drop_all();

    /// Attempts that were not started: taken out, to be handed back.
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

    std::vector<entry> jobs_;  ///< in the order they came; at most a window or two, so a list does
    std::size_t asked_ = 0, running_ = 0;
};

}  // namespace vultus
