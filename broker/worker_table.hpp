// The workers that a broker knows, what each has in hand, and whose turn is next. Pure bookkeeping:
// part of the core, no message is sent here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/clock.hpp"
#include "shared/job.hpp"
#include "shared/protocol.hpp"

namespace vultus::broker {

constexpr std::uint32_t window_max = 4'096;       ///< larger claims of a READY are cut to this
constexpr std::size_t galleries_told_max = 256;   ///< collections remembered for one worker

constexpr double spill_share = 0.5;               ///< of the window, see next_for_frame()

struct sent_job {
    std::uint64_t n = 0;                          ///< of the JOB message; 0: it named it in READY
    boot_time sent{0};
    bool solo = false;
    std::string collection;
};

struct told_gallery {
    gallery_version version = 0;                  ///< last one we spoke of
    std::uint64_t used = 0;                       ///< grows; the smallest is forgotten first
};

/// A connected worker. Credits: jobs.size() + reserved never exceeds window.
struct worker {
    protocol::ready who;
    std::string connection;
    std::uint64_t connection_number = 0;          ///< the part after the last dot
    boot_time last_seen{0};
    std::uint64_t last_n = 0;                     ///< of the last JOB sent on this connection
    std::map<attempt_id, sent_job> jobs;
    std::map<std::string, boot_time> frames;      ///< frames in hand -> when sent
    std::map<std::string, told_gallery> galleries;///< collections it may hold
    std::uint64_t ticket = 0;                     ///< of its lease under way, 0: none
    std::uint32_t reserved = 0;                   ///< credits that lease may use
    std::uint64_t last_turn = 0;
    boot_time pause_until{0};
    bool draining = false;                        ///< it said DRAIN
    bool asked_to_drain = false;                  ///< we said DRAIN

    std::uint32_t free() const noexcept;          ///< credits left
    std::uint32_t outstanding() const noexcept;   ///< jobs in hand
    bool has_solo() const noexcept;
    bool takes_work() const noexcept;             ///< neither leaving nor alone with a solo job
    bool runs(std::string_view type) const noexcept;
    bool has_card() const noexcept { return !who.card.empty(); }

    /// Compares what it says it has with what was sent. Returns the attempts that are back: named
    /// by neither side any more (n <= last_n), or sent and unheard of for a whole lease.
    std::vector<attempt_id> reconcile(const protocol::worker_heartbeat&, boot_time now);
};

/// The number after the last dot of a routing id, 0 if there is none.
std::uint64_t connection_number_of(std::string_view routing_id) noexcept;

/// threads   one owner
class worker_table {
   public:
    worker* by_connection(const std::string& connection);
    worker* by_id(const std::string& worker_id);
    worker& add(worker);                          ///< requires id and connection to be new
    void remove(const std::string& connection);

    /// The worker with the smallest share of its window in use that may lease now; among equals the
    /// one with a card, then the one that waited longest. Null: nobody can.
    worker* next_for_lease(boot_time now);
    /// The same for a frame. `cnn`: one that is looked at with that detector goes to a worker with
    /// a card, another to one without, unless that one has used so much more of its window
    /// (spill_share) that the other kind is rather idle.
    worker* next_for_frame(bool cnn);
    /// True if some worker could take a frame, now or once it has room.
    bool any_for_frame() const noexcept;
    std::size_t leasable(boot_time now) const noexcept;  ///< how many could lease now

    std::map<std::string, worker>& all() noexcept { return workers_; }  ///< by connection
    const std::map<std::string, worker>& all() const noexcept { return workers_; }

   private:
    std::map<std::string, worker> workers_;
    std::map<std::string, std::string> connection_of_;   ///< worker_id -> connection
};

}  // namespace vultus::broker
