// The output of each command, as tables for people and as JSON for programs. Pure: formats the
// answers of the job store and the broker.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clients/ctl/output/table.hpp"
#include "shared/net/protocol.hpp"
#include "shared/store/event_reader.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/person_store.hpp"

namespace vultus::ctl {

struct section {
    std::string title;  ///< empty: none
    table rows;
    std::string text;  ///< shown below the rows, if any
};

struct report {
    std::vector<section> sections;
    std::string json;     ///< one JSON value
    bool bad = false;     ///< a problem was found: exit code 1
    bool beside = false;  ///< the standard output is an export file: print to stderr
    /// Called if this could not be printed; may undo the command; returns a sentence about it.
    std::function<std::string()> lost{};
};

/// The sections with a blank line between them, or the JSON and a newline.
std::string print(const report& what, bool json);

struct worker_row {
    protocol::worker_status status;
    std::optional<std::int64_t>
        lapses_in_ms;  ///< from Redis; the broker knows last_seen_ms instead
};

struct status_view {
    queue_stats queue;
    bool from_broker = false;  ///< `workers` come from the broker; else from Redis
    std::vector<worker_row> workers;
    std::vector<gallery_info> collections;
};

report status_report(const status_view& seen);
report jobs_report(const job_page& page, unix_time now);
report job_report(const job_record& job);
report faces_report(const std::string& collection, const label_page& page);
report person_report(const std::string& collection, const person_record& person);
report change_report(const std::string& id, const std::string& answer);
report drain_report(const std::string& worker_id, const std::string& state);
report fsck_report(const std::vector<std::string>& findings);

/// One event as one line, ended by a newline.
std::string event_line(const event& what, bool json);

}  // namespace vultus::ctl
