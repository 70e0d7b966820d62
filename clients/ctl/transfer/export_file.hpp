// The file of `vultusctl export`: five lines of text (format, collection, embedding model, time in
// ms, dimension), then one record per face and one per person, then the number of faces and a
// checksum of all before. Files of versions 1 (faces of 128 floats, no fifth line) and 2, which
// have no people, are read, too. Lengths and numbers are little-endian. Independent of Redis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/result.hpp"
#include "shared/store/gallery_admin.hpp"

namespace vultus::ctl {

struct export_head {
    std::string collection, embedding_model;
    std::uint64_t exported_ms = 0;
    std::size_t dimension = limits::embedding_dimension_default;  ///< floats of each face
};

/// FNV-1a: detects truncated and damaged files; it is not a signature.
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
    /// requires  a vector of head.dimension floats
    void add(const exported_face& face);
    void add(const exported_person& person);
    /// Writes the end; without it a reader refuses the file. errors internal: it could not be
    /// written
    result<void> finish();
    std::uint64_t faces() const noexcept { return faces_; }
    bool good() const;  ///< no write failed so far

 private:
    void put(std::string_view bytes);

    std::ostream& to_;
    std::size_t vector_bytes_;
    checksum sum_;
    std::uint64_t faces_ = 0;
};

class export_reader {
 public:
    /// errors    malformed: not such a file, of another version, or of a dimension that no model
    /// has
    static result<export_reader> open(std::istream& from);
    const export_head& head() const noexcept { return head_; }
    /// The next face; false at the end, if number and checksum match. People on the way are kept.
    /// errors    malformed: truncated, damaged, or data after the end
    result<bool> next(exported_face& into);
    /// The people read since the last call.
    std::vector<exported_person> take_people() { return std::exchange(people_, {}); }

 private:
    explicit export_reader(std::istream& from) : from_(&from) {}
    result<void> read_head();
    bool read_face(exported_face& into);
    bool read_person();
    bool take(std::string& into, std::size_t bytes);
    result<bool> read_end();

    std::istream* from_;
    export_head head_;
    checksum sum_;
    std::uint64_t faces_ = 0;
    char version_ = '3';
    std::vector<exported_person> people_;
};

/// The label in the stored text of a face: its first field, in which only quotes, backslashes
/// and byte 31 are escaped (shared/store/functions/35_people.lua). Empty without it.
std::string label_of(std::string_view face_json);

}  // namespace vultus::ctl
