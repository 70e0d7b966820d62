// Tells workers which galleries changed: which collections each worker may hold, when their
// versions are read from Redis, and the RELOAD messages and versions in heartbeats that follow.
// These are hints (gallery_versions.hpp). Part of the core: pure.
#pragma once

#include <cstdint>
#include <string>

#include "broker/events.hpp"
#include "broker/gallery_versions.hpp"
#include "broker/worker_table.hpp"
#include "shared/base/clock.hpp"

namespace vultus::broker {

constexpr std::size_t galleries_noted_max = 256;  ///< collections of one worker that are followed

/// threads   one owner
class gallery_notifier {
 public:
    /// The worker uses the collection from now on. Beyond galleries_noted_max, its least recently
    /// used one is no longer followed.
    void hold(worker&, const std::string& collection);
    /// The same for a collection that READY names with its version.
    void hold(worker&, const std::string& collection, gallery_version);
    void release(const worker&);  ///< it leaves

    void read_soon(boot_time at);  ///< the next read is at `at` at the latest
    /// Jobs were submitted: reads at once, unless the last read was less than version_read_pause
    /// ago. `ready`: Redis can be used, in all calls.
    void submitted(boot_time now, bool ready, effects& out);
    void read_due(boot_time now, bool ready, effects& out);
    void changed(const std::string& collection, bool ready, effects& out);  ///< by a job's commit
    void read(const gallery_read&, worker_table&, bool ready, effects& out);
    void store_lost() { versions_.forget_reads(); }

    /// Of the collections that the worker holds, as far as they are known.
    protocol::versions versions_of(const worker&) const;
    boot_time next_timer() const noexcept { return read_at_; }

 private:
    gallery_versions versions_;
    std::uint64_t uses_ = 0;
    boot_time read_at_{0}, last_read_{0};
};

}  // namespace vultus::broker
