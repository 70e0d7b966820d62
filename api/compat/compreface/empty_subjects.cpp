// See empty_subjects.hpp.
#include "api/compat/compreface/empty_subjects.hpp"

#include "api/http/header_fields.hpp"
#include "shared/model/label.hpp"

namespace vultus::api::compat::compreface {
namespace {

/// As people's names are stored.
std::string normal(std::string_view name) {
    return normal_label(name).value_or(std::string(name));
}

}  // namespace

void empty_subjects::drop_old(boot_time now) {
    while (!names_.empty() && now - names_.front().since >= life) names_.pop_front();
}

void empty_subjects::add(const std::string& collection, const std::string& name,
                         gallery_version version, boot_time now) {
    drop_old(now);
    names_.push_back({collection, normal(name), now, version});
    if (names_.size() > most) names_.pop_front();
}

void empty_subjects::drop_removed(const std::string& collection, const watched_gallery& seen) {
    names_.remove_if([&](const entry& one) {
        if (one.collection != collection) return false;
        if (one.version != 0) return !seen.allows(one.version);
        return seen.removed_version > 0 || epoch_of(seen.version) > 1;  // there was no collection
    });
}

std::string empty_subjects::find(const std::string& collection, std::string_view name,
                                 boot_time now) {
    drop_old(now);
    const std::string label = normal(name);
    for (const auto& one : names_) {
        if (one.collection == collection && same_text(one.name, label)) return one.name;
    }
    return {};
}

bool empty_subjects::remove(const std::string& collection, std::string_view name, boot_time now) {
    drop_old(now);
    const std::string label = normal(name);
    return names_.remove_if([&](const auto& one) {
        return one.collection == collection && same_text(one.name, label);
    }) > 0;
}

std::size_t empty_subjects::clear(const std::string& collection, boot_time now) {
    drop_old(now);
    return names_.remove_if([&](const auto& one) { return one.collection == collection; });
}

std::vector<std::string> empty_subjects::names(const std::string& collection, boot_time now) {
    drop_old(now);
    std::vector<std::string> found;
    for (const auto& one : names_) {
        if (one.collection == collection) found.push_back(one.name);
    }
    return found;
}

}  // namespace vultus::api::compat::compreface
