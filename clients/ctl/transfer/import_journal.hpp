// The journal of an import: a line of JSON for each verdict, appended when it is known. After a
// kill, another run continues from it without reading again what it has a verdict on.
#pragma once

#include <map>
#include <string>

#include "clients/ctl/sources/photo_folders.hpp"
#include "clients/ctl/transfer/import_report.hpp"
#include "shared/base/result.hpp"

namespace vultus::ctl {

struct journal_entry {
    file_state state = file_state::skipped;  ///< imported, known or refused
    std::string reason, detail, content;     ///< content: SHA-256 of the photo
    std::string face_id;                     ///< imported, known: the face that has to be there
};

/// The file has names and is readable by its owner only.
/// threads   one owner
class import_journal {
 public:
    import_journal() = default;  ///< none: nothing is found or written
    import_journal(const import_journal&) = delete;
    import_journal& operator=(const import_journal&) = delete;
    ~import_journal();

    /// Opens or makes the file, and reads it. A last line that was cut off is dropped.
    /// `binding`  what the import is: a journal of another one is refused
    /// errors     wrong_state: it is of another import, or another run has it open · malformed: no
    ///            journal, or it cannot be read or written
    result<void> open(const std::string& path, const std::string& binding);

    /// The verdict of an earlier run on this version of the photo; null without one.
    const journal_entry* find(const found_photo& photo) const;

    /// errors    malformed: it cannot be written
    result<void> add(const found_photo& photo, const journal_entry& entry);

 private:
    result<void> load(const std::string& path, const std::string& binding);
    result<void> append(const std::string& line);
    static std::string key_of(const std::string& path, const std::string& label,
                              const std::string& version);

    int file_ = -1;
    std::map<std::string, journal_entry> entries_;
};

}  // namespace vultus::ctl
