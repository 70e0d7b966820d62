// The verdicts of an import as lines, as a summary and as JSON. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/ctl/output/reports.hpp"

namespace vultus::ctl {

enum class file_state { imported, known, duplicate, refused, unfinished, skipped };
std::string_view name_of(file_state) noexcept;

struct file_verdict {
    file_state state = file_state::skipped;
    std::string path;            ///< below the folder
    std::string label;           ///< empty: skipped
    std::string reason, detail;  ///< may be empty
    std::string job_id;          ///< empty: there was no job
};

/// "refused     Ada/3.jpg  no_face: nobody was found"
std::string line_of(const file_verdict& what);

/// How many files have which verdict, and the people of whom no photo is there in the end.
report import_report(const std::string& root, const std::string& collection,
                     const std::vector<file_verdict>& files);

/// Why a train of one photo failed, out of the job's error text; the reason of the one photo where
/// there is one.
error reason_of(std::string_view job_error);

}  // namespace vultus::ctl
