// The verdicts of an import as lines, as a summary and as JSON. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/ctl/output/reports.hpp"

namespace vultus::ctl {

enum class file_state {
    imported,
    would_import,  ///< of a dry run
    known,
    duplicate,
    refused,
    unfinished,
    skipped
};
std::string_view name_of(file_state) noexcept;

struct file_verdict {
    file_state state = file_state::skipped;
    std::string path;            ///< below the folder
    std::string label;           ///< empty: skipped
    std::string reason, detail;  ///< may be empty
    std::string job_id;          ///< empty: no job
};

/// "refused     Ada/3.jpg  no_face: nobody was found"
std::string line_of(const file_verdict& what);

struct import_summary {
    std::string source, collection;  ///< from where, into what
    std::string stopped{};           ///< why the source was not listed to its end; empty: it was
};

/// The number of files by verdict, and the people without any trained photo.
report import_report(const import_summary& about, const std::vector<file_verdict>& files);

/// Why the train job of one photo failed, from the job's error text; the reason of the photo where
/// given.
error reason_of(std::string_view job_error);

}  // namespace vultus::ctl
