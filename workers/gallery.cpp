// The builder: finds a face's row by its id, copies a segment before it changes one that readers
// hold, and packs the rows when most of them are removed.
#include "workers/gallery.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "shared/require.hpp"

namespace vultus {
namespace {

bool is_finite(const embedding& vector) {
    return std::all_of(vector.begin(), vector.end(),
                       [](float value) { return std::isfinite(value); });
}

void append(gallery_segment& segment, std::string face_id, gallery_segment::label_text label,
            const embedding& vector) {
    if (segment.vectors.capacity() == 0) {  // one allocation, not a dozen growing ones
        segment.vectors.reserve(64);
    }
    segment.vectors.push_back(vector);
    segment.face_ids.push_back(std::move(face_id));
    segment.labels.push_back(std::move(label));
}

}  // namespace

gallery_builder::gallery_builder(gallery_version version) : version_(version) {}

gallery_segment& gallery_builder::writable(std::size_t segment) {
    if (published_[segment]) {
        segments_[segment] = std::make_shared<gallery_segment>(*segments_[segment]);
        published_[segment] = false;
    }
    return *segments_[segment];
}

gallery_segment::label_text gallery_builder::take_label(std::string_view label) {
    auto known = labels_.find(label);
    if (known == labels_.end()) {
        known = labels_.emplace(std::string(label), known_label{}).first;
        known->second.text = std::make_shared<const std::string>(label);
    }
    ++known->second.faces;
    return known->second.text;
}

void gallery_builder::drop_label(std::string_view label) {
    const auto known = labels_.find(label);
    VULTUS_REQUIRE(known != labels_.end() && known->second.faces > 0,
                   "every face's label is known");
    if (--known->second.faces == 0) labels_.erase(known);
}

bool gallery_builder::add(std::string_view face_id, std::string_view label,
                          const embedding& vector) {
    if (!is_finite(vector)) return false;
    if (index_.find(face_id) == index_.end() && index_.size() >= limits::gallery_faces) {
        return false;
    }
    remove(face_id);
    if (segments_.empty() || segments_.back()->rows() == limits::segment_rows) {
        segments_.push_back(std::make_shared<gallery_segment>());
        published_.push_back(false);
    }
    const std::size_t last = segments_.size() - 1;
    gallery_segment& segment = writable(last);
    index_.emplace(std::string(face_id), position{static_cast<std::uint32_t>(last),
                                                  static_cast<std::uint32_t>(segment.rows())});
    append(segment, std::string(face_id), take_label(label), vector);
    return true;
}

bool gallery_builder::remove(std::string_view face_id) {
    const auto found = index_.find(face_id);
    if (found == index_.end()) return false;
    const position at = found->second;
    index_.erase(found);
    gallery_segment& segment = writable(at.segment);
    segment.removed[at.row / 64] |= std::uint64_t{1} << (at.row % 64);
    drop_label(*segment.labels[at.row]);
    segment.labels[at.row] = nullptr;
    ++removed_rows_;
    return true;
}

bool gallery_builder::rename(std::string_view face_id, std::string_view label) {
    const auto found = index_.find(face_id);
    if (found == index_.end()) return false;
    gallery_segment& segment = writable(found->second.segment);
    auto& text = segment.labels[found->second.row];
    auto renamed = take_label(label);  // before the old one goes: they may be the same
    drop_label(*text);
    text = std::move(renamed);
    return true;
}

void gallery_builder::apply(std::span<const log_entry> entries) {
    for (const log_entry& entry : entries) {
        switch (entry.op) {
            case log_entry::kind::add: {
                const auto vector = embedding_from(entry.vector);
                if (vector) add(entry.face_id, entry.label, *vector);
                break;
            }
            case log_entry::kind::remove:
                remove(entry.face_id);
                break;
            case log_entry::kind::rename:
                rename(entry.face_id, entry.label);
                break;
        }
        version_ = version_ / epoch_factor * epoch_factor + entry.seq;
    }
}

std::size_t gallery_builder::bytes() const {
    constexpr std::size_t names = 200;  // a face id, its place in the index, a pointer to the label
    return (index_.size() + removed_rows_) * (sizeof(embedding) + names);
}

/// Packs what is left into new segments. Every row moves, so the index is made anew.
void gallery_builder::compact() {
    auto old = std::exchange(segments_, {});
    published_.clear();
    removed_rows_ = 0;
    for (const auto& segment : old) {
        for (std::size_t row = 0; row < segment->rows(); ++row) {
            if (segment->is_removed(row)) continue;
            if (segments_.empty() || segments_.back()->rows() == limits::segment_rows) {
                segments_.push_back(std::make_shared<gallery_segment>());
                published_.push_back(false);
            }
            index_.find(segment->face_ids[row])->second = {
                static_cast<std::uint32_t>(segments_.size() - 1),
                static_cast<std::uint32_t>(segments_.back()->rows())};
            append(*segments_.back(), segment->face_ids[row], segment->labels[row],
                   segment->vectors[row]);
        }
    }
}

std::shared_ptr<const gallery> gallery_builder::publish() {
    if (removed_rows_ > index_.size() &&
        (index_.empty() || removed_rows_ > limits::segment_rows / 4)) {
        compact();
    }
    auto now = std::make_shared<gallery>();
    now->version = version_;
    now->embedding_model = embedding_model_;
    now->segments.assign(segments_.begin(), segments_.end());
    now->faces = index_.size();
    now->people = labels_.size();
    published_.assign(segments_.size(), true);
    return now;
}

}  // namespace vultus
