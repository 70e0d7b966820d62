// The file of `vultusctl export`: four lines of text (what it is, collection, embedding model, time
// in ms), then one record a face, then their number and a checksum of all before. Lengths and
// numbers are little-endian. Nothing here knows Redis.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "shared/base/result.hpp"
#include "shared/store/gallery_admin.hpp"

namespace vultus::ctl {

struct export_head {
    std::string collection, embedding_model;
    std::uint64_t exported_ms = 0;
};

/// FNV-1a: finds a file that was cut, changed or damaged; it is no signature.
class checksum {
 public:
    void add(std::string_view bytes);
    std::uint64_t value() const noexcept { return value_; }

 private:
    std::uint64_t value_ = 14'695'981'039'346'656'037ULL;
};

class export_writer {
 public:
    export_writer(std::ostream& to, const export_head& head);
    void add(const exported_face& face);
    /// The end; without it a reader refuses the file. errors internal: it could not be written
    result<void> finish();
    std::uint64_t faces() const noexcept { return faces_; }
    bool good() const;  ///< nothing failed so far

 private:
    void put(std::string_view bytes);

    std::ostream& to_;
    checksum sum_;
    std::uint64_t faces_ = 0;
};

class export_reader {
 public:
    /// errors    malformed: not such a file, or of another version
    static result<export_reader> open(std::istream& from);
    const export_head& head() const noexcept { return head_; }
    /// The next face; false at the end, when number and checksum fit.
    /// errors    malformed: cut short, damaged, or something after the end
    result<bool> next(exported_face& into);

 private:
    explicit export_reader(std::istream& from) : from_(&from) {}
    bool take(std::string& into, std::size_t bytes);
    result<bool> read_end();

    std::istream* from_;
    export_head head_;
    checksum sum_;
    std::uint64_t faces_ = 0;
};

/// The label in the text that is stored with a face: its first field, of which only quotes and
/// backslashes are escaped (shared/store/functions/30_galleries.lua). Empty if it is not there.
std::string label_of(std::string_view face_json);

}  // namespace vultus::ctl
