// Which collections the workers of this broker hold, which version each has in Redis, and which are
// read next. Part of the core. What follows (RELOAD, versions in a heartbeat) are hints: a worker
// that misses one gets the version with its next lease or renewal.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/model/job.hpp"

namespace vultus::broker {

constexpr std::size_t gallery_reads_max = 16;  ///< in progress at one time
constexpr std::chrono::milliseconds version_read_pause{
    20};  ///< between two reads, whatever the number of SUBMITs

/// threads   one owner
class gallery_versions {
 public:
    void held(const std::string& collection);     ///< one more worker may hold it
    void dropped(const std::string& collection);  ///< one fewer

    /// The collections to read now: the next few in turn, none of which is being read.
    std::vector<std::string> next_reads();
    /// A change of this collection was committed. True: read it now; false: not held, or a read is
    /// in progress and another follows.
    bool changed(const std::string& collection);
    /// A read ended. True if it must be repeated, because the collection changed since.
    bool read_done(const std::string& collection);
    void learned(const std::string& collection, gallery_version version);

    /// Nothing: unknown. 0: there is no such collection.
    std::optional<gallery_version> version_of(const std::string& collection) const;
    void forget_reads();  ///< the connection broke: no replies will come

 private:
    struct entry {
        std::size_t holders = 0;
        std::optional<gallery_version> version;
        bool reading = false, again = false;
    };
    std::map<std::string, entry> held_;
    std::size_t reading_ = 0;
    std::string last_;  ///< the last one read; the next follows it
};

}  // namespace vultus::broker
