// The builder: finds a face's row by its id, copies a segment that readers hold before changing it,
// and packs segments whose rows are mostly removed.
#include "workers/gallery/gallery.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

bool is_finite(const embedding& vector) {
    return std::all_of(vector.begin(), vector.end(),
                       [](float value) { return std::isfinite(value); });
}

void reserve(gallery_segment& segment, std::size_t rows) {
    segment.floats.reserve(rows * segment.dimension());
    segment.quantized.reserve(rows);
}

}  // namespace

gallery_builder::gallery_builder(gallery_version version) : version_(version) {}

gallery_segment& gallery_builder::writable(std::size_t segment) {
    slot& at = slots_[segment];
    if (at.published) {
        at.segment = std::make_shared<gallery_segment>(*at.segment);
        at.published = false;
    }
    return *at.segment;
}

std::size_t gallery_builder::segment_with_room() {
    const auto has_room = [](const slot& one) {
        return one.segment && one.segment->rows() < limits::segment_rows;
    };
    if (filled_now_ < slots_.size() && has_room(slots_[filled_now_])) return filled_now_;
    auto found = std::find_if(slots_.begin(), slots_.end(), has_room);
    if (found == slots_.end()) {
        found = std::find_if(slots_.begin(), slots_.end(),
                             [](const slot& one) { return !one.segment; });
        if (found == slots_.end()) found = slots_.emplace(slots_.end());
        *found = {std::make_shared<gallery_segment>(dimension_), 0, false};
        reserve(*found->segment, 64);  // one allocation, not a dozen growing ones
    }
    filled_now_ = static_cast<std::size_t>(found - slots_.begin());
    return filled_now_;
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
    if (!index_.empty() && vector.size() != dimension_) return false;
    if (index_.find(face_id) == index_.end() && index_.size() >= limits::gallery_faces) {
        return false;
    }
    remove(face_id);
    dimension_ = vector.size();
    const std::size_t at = segment_with_room();
    gallery_segment& segment = writable(at);
    index_.emplace(std::string(face_id), position{static_cast<std::uint32_t>(at),
                                                  static_cast<std::uint32_t>(segment.rows())});
    segment.floats.insert(segment.floats.end(), vector.begin(), vector.end());
    segment.quantized.push_back(vector);
    segment.face_ids.emplace_back(face_id);
    segment.labels.push_back(take_label(label));
    ++slots_[at].faces;
    return true;
}

bool gallery_builder::remove(std::string_view face_id) {
    const auto found = index_.find(face_id);
    if (found == index_.end()) return false;
    const position at = found->second;
    index_.erase(found);
    if (slots_[at.segment].faces == 1) {
        drop_label(*slots_[at.segment].segment->labels[at.row]);
        ++removed_rows_;
        --slots_[at.segment].faces;
        give_back(at.segment);
        return true;
    }
    gallery_segment& segment = writable(at.segment);
    segment.removed[at.row / 64] |= std::uint64_t{1} << (at.row % 64);
    drop_label(*segment.labels[at.row]);
    segment.labels[at.row] = nullptr;
    ++removed_rows_;
    --slots_[at.segment].faces;
    return true;
}

void gallery_builder::give_back(std::size_t segment) {
    removed_rows_ -= slots_[segment].removed();
    slots_[segment] = slot{};
}

bool gallery_builder::rename(std::string_view face_id, std::string_view label) {
    const auto found = index_.find(face_id);
    if (found == index_.end()) return false;
    gallery_segment& segment = writable(found->second.segment);
    auto& text = segment.labels[found->second.row];
    auto renamed = take_label(label);  // before the old one is dropped: they may be the same
    drop_label(*text);
    text = std::move(renamed);
    return true;
}

void gallery_builder::apply(std::span<const log_entry> entries) {
    for (const log_entry& entry : entries) {
        switch (entry.op) {
            case log_entry::kind::add: {
                const auto vector =
                    embedding_from(entry.vector, entry.vector.size() / sizeof(float));
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
    // A face id, its place in the index, a pointer to the label (docs/benchmarks.md).
    constexpr std::size_t names = 200;
    const std::size_t rows = index_.size() + removed_rows_;
    return rows * (dimension_ * (sizeof(float) + 1) + 3 * sizeof(float) + names);
}

void gallery_builder::move_faces(std::size_t from, std::size_t to, gallery_segment& into) {
    const gallery_segment& old = *slots_[from].segment;
    for (std::size_t row = 0; row < old.rows(); ++row) {
        if (old.is_removed(row)) continue;
        index_.find(old.face_ids[row])->second = {static_cast<std::uint32_t>(to),
                                                  static_cast<std::uint32_t>(into.rows())};
        const std::span<const float> vector = old.vector(row);
        into.floats.insert(into.floats.end(), vector.begin(), vector.end());
        into.quantized.push_back(old.quantized, row);
        into.face_ids.push_back(old.face_ids[row]);
        into.labels.push_back(old.labels[row]);
    }
}

bool gallery_builder::compact() {
    const auto wasteful = std::find_if(slots_.begin(), slots_.end(), [](const slot& one) {
        return one.segment && one.removed() > one.faces &&
               one.removed() >= limits::segment_rows / 4;
    });
    if (wasteful == slots_.end()) return false;
    auto partner = slots_.end();
    for (auto one = slots_.begin(); one != slots_.end(); ++one) {
        if (one == wasteful || !one->segment || one->faces > limits::segment_rows / 2) continue;
        if (one->faces + wasteful->faces > limits::segment_rows) continue;
        if (partner == slots_.end() || one->faces < partner->faces) partner = one;
    }
    const auto to = static_cast<std::size_t>(wasteful - slots_.begin());
    auto packed = std::make_shared<gallery_segment>(dimension_);
    const std::size_t faces = wasteful->faces + (partner == slots_.end() ? 0 : partner->faces);
    reserve(*packed, faces);
    move_faces(to, to, *packed);
    give_back(to);
    if (partner != slots_.end()) {
        const auto from = static_cast<std::size_t>(partner - slots_.begin());
        move_faces(from, to, *packed);
        give_back(from);
    }
    slots_[to] = {std::move(packed), faces, false};
    return true;
}

std::shared_ptr<const gallery> gallery_builder::publish() {
    auto now = std::make_shared<gallery>();
    now->version = version_;
    now->embedding_model = embedding_model_;
    for (slot& one : slots_) {
        if (!one.segment) continue;
        one.published = true;
        now->segments.push_back(one.segment);
    }
    now->dimension = dimension();
    now->faces = index_.size();
    now->people = labels_.size();
    return now;
}

}  // namespace vultus
