// Which chips go into the network now. Jobs put in their faces as they come; the compute thread
// takes what waits when it is free, so chips of different jobs share a pass and a large job is cut
// over several. A pass is for one embedder, and live frames have passes of their own. Pure: no
// thread, no clock; the compute thread owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "workers/geometry/geometry.hpp"

namespace vultus {

class batch {
 public:
    using ticket = std::uint64_t;  ///< names a job here; each is used once

    struct slot {
        ticket job = 0;
        std::size_t face = 0;  ///< index in the job's chips
    };
    struct load {
        std::string embedder;
        std::vector<slot> slots;
        std::vector<chip> chips;  ///< same order
    };
    struct finished {
        ticket job = 0;
        std::vector<embedding> embeddings;  ///< one per chip of the job, in its order
    };

    /// `live_weight`  passes of live frames in a row, then jobs that wait have one; at least 1
    explicit batch(std::size_t live_weight = 4);

    /// requires  a new ticket; at least one chip (a photo without faces needs no network)
    void add(ticket job, std::vector<chip> chips, bool live = false, std::string embedder = {});

    /// The chips that have waited longest, of live frames or of jobs, and those behind them for the
    /// same embedder. Empty if none waits.
    /// `most`    how many at most, for the embedder
    load take(const std::function<std::size_t(const std::string& embedder)>& most);
    load take(std::size_t most) {
        return take([most](const std::string&) { return most; });
    }

    /// Hands in what the network made of a load.
    /// requires  one embedding per slot, of a load that take() gave
    /// returns   the jobs whose last face this was, in the order of their faces
    std::vector<finished> give(const load&, std::span<const embedding> embeddings);

    /// Forgets a job: its waiting chips go, its embeddings on their way are dropped.
    void drop(ticket job);

    std::size_t waiting() const { return live_.size() + waiting_.size(); }
    std::size_t jobs() const { return jobs_.size(); }

 private:
    struct waiting_chip {
        slot where;
        chip face;
    };
    struct open_job {
        std::string embedder;
        std::vector<embedding> embeddings;
        std::size_t missing = 0;
    };
    std::size_t live_weight_, in_row_ = 0;
    std::deque<waiting_chip> live_, waiting_;
    std::unordered_map<ticket, open_job> jobs_;
};

}  // namespace vultus
