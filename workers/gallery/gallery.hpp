// The trained faces of one collection, in memory. A published gallery never changes: matching
// threads hold a shared_ptr<const gallery> and search it without a lock. The loader thread owns a
// gallery_builder, changes it and publishes; the new gallery shares every segment that the change
// did not touch. Pure: no Redis, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/model/job.hpp"
#include "shared/store/gallery_reader.hpp"
#include "workers/engine/embedding.hpp"
#include "workers/gallery/quantized.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// Up to limits::segment_rows faces of one dimension, contiguous in memory. A removed face stays as
/// a row whose bit in `removed` is set.
struct gallery_segment {
    using label_text =
        std::shared_ptr<const std::string>;  ///< one object per label of a collection
    explicit gallery_segment(std::size_t dimension) : quantized(dimension) {}

    std::vector<float> floats;  ///< of row i: dimension() of them, from i * dimension()
    quantized_rows quantized;   ///< the same rows in 8 bits
    std::vector<std::string> face_ids;
    std::vector<label_text> labels;
    std::array<std::uint64_t, limits::segment_rows / 64> removed{};

    std::size_t dimension() const { return quantized.dimension(); }
    std::size_t rows() const { return face_ids.size(); }
    std::span<const float> vector(std::size_t row) const {
        return std::span(floats).subspan(row * dimension(), dimension());
    }
    bool is_removed(std::size_t row) const { return (removed[row / 64] >> (row % 64)) & 1u; }
};

struct gallery {
    gallery_version version = 0;
    std::string embedding_model;  ///< what its faces were embedded with; empty: no face yet
    std::vector<std::shared_ptr<const gallery_segment>> segments;
    std::size_t dimension = 0;  ///< floats of each face; 0: no face yet
    std::size_t faces = 0;      ///< rows that are not removed
    std::size_t people = 0;     ///< labels with at least one face
};

/// threads   its owner only; what publish() returned may be read by any thread
class gallery_builder {
 public:
    explicit gallery_builder(gallery_version version = 0);

    /// Adds a face; one with that id is replaced. The first face determines the dimension of all.
    /// returns   false, and nothing changes, if the gallery is full, the face has another dimension
    ///           or a float is not finite
    bool add(std::string_view face_id, std::string_view label, const embedding&);
    /// returns   false if there is no such face
    bool remove(std::string_view face_id);
    /// Gives one face another label. returns false if there is no such face
    bool rename(std::string_view face_id, std::string_view label);
    /// Applies complete changes from the collection's log, in order. An `add` without a vector is
    /// skipped, because its `remove` follows. The version becomes the last entry's seq in the same
    /// epoch.
    void apply(std::span<const log_entry> entries);

    void set_version(gallery_version version) { version_ = version; }
    /// The model of all faces of this epoch; the first train of a collection determines it.
    void set_embedding_model(std::string name) { embedding_model_ = std::move(name); }
    const std::string& embedding_model() const { return embedding_model_; }
    gallery_version version() const { return version_; }
    std::size_t faces() const { return index_.size(); }
    std::size_t dimension() const { return index_.empty() ? 0 : dimension_; }
    /// Approximate memory of the vectors and their names, for gallery_bytes_max.
    std::size_t bytes() const;

    /// The gallery as it is now. Copies the list of segments; the next change of a segment copies
    /// that segment first. An empty segment is freed at once.
    std::shared_ptr<const gallery> publish();

    /// Frees the removed rows of one segment that is more than half removed, and merges its other
    /// rows with another segment that is at most half full. Writes at most one segment, so a call
    /// takes about a millisecond.
    /// returns   false if there is no such segment; otherwise publish() again, and call again later
    bool compact();

 private:
    struct position {
        std::uint32_t segment = 0, row = 0;
    };
    struct known_label {
        gallery_segment::label_text text;
        std::size_t faces = 0;
    };
    struct text_hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    std::size_t segment_with_room();
    gallery_segment& writable(std::size_t segment);
    void move_faces(std::size_t from, std::size_t to, gallery_segment& into);
    void give_back(std::size_t segment);
    gallery_segment::label_text take_label(std::string_view label);
    void drop_label(std::string_view label);

    gallery_version version_;
    std::string embedding_model_;
    std::size_t dimension_ = 0;  ///< meaningless while there is no face
    struct slot {
        std::shared_ptr<gallery_segment> segment;  ///< none: free
        std::size_t faces = 0;                     ///< rows that are not removed
        bool published = false;                    ///< shared with a published gallery

        std::size_t removed() const { return segment->rows() - faces; }
    };
    std::vector<slot> slots_;
    std::size_t filled_now_ = 0;  ///< slot of the segment that took the last face
    std::unordered_map<std::string, position, text_hash, std::equal_to<>> index_;
    std::unordered_map<std::string, known_label, text_hash, std::equal_to<>> labels_;
    std::size_t removed_rows_ = 0;
};

}  // namespace vultus
