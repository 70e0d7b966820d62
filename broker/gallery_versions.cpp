// See gallery_versions.hpp.
#include "broker/gallery_versions.hpp"

namespace vultus::broker {

void gallery_versions::held(const std::string& collection) {
    ++held_[collection].holders;
}

void gallery_versions::dropped(const std::string& collection) {
    const auto found = held_.find(collection);
    if (found == held_.end() || --found->second.holders > 0) return;
    if (found->second.reading) --reading_;
    held_.erase(found);
}

std::vector<std::string> gallery_versions::next_reads() {
    std::vector<std::string> reads;
    auto place = held_.upper_bound(last_);
    for (std::size_t seen = 0; seen < held_.size() && reading_ < gallery_reads_max; ++seen) {
        if (place == held_.end()) place = held_.begin();
        if (!place->second.reading) {
            place->second.reading = true;
            ++reading_;
            reads.push_back(place->first);
        }
        last_ = place->first;
        ++place;
    }
    return reads;
}

bool gallery_versions::changed(const std::string& collection) {
    const auto found = held_.find(collection);
    if (found == held_.end()) return false;
    if (found->second.reading) {
        found->second.again = true;
        return false;
    }
    found->second.reading = true;
    ++reading_;
    return true;
}

bool gallery_versions::read_done(const std::string& collection) {
    const auto found = held_.find(collection);
    if (found == held_.end() || !found->second.reading) return false;
    if (found->second.again) {
        found->second.again = false;
        return true;
    }
    found->second.reading = false;
    --reading_;
    return false;
}

void gallery_versions::learned(const std::string& collection, gallery_version version) {
    const auto found = held_.find(collection);
    if (found != held_.end()) found->second.version = version;
}

std::optional<gallery_version> gallery_versions::version_of(const std::string& collection) const {
    const auto found = held_.find(collection);
    return found == held_.end() ? std::nullopt : found->second.version;
}

void gallery_versions::forget_reads() {
    for (auto& [collection, one] : held_) one.reading = one.again = false;
    reading_ = 0;
}

}  // namespace vultus::broker
