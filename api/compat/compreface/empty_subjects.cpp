// See empty_subjects.hpp.
#include "api/compat/compreface/empty_subjects.hpp"

#include "api/http/header_fields.hpp"

namespace vultus::api::compat::compreface {

void empty_subjects::drop_old(boot_time now) {
    while (!names_.empty() && now - names_.front().since >= life) names_.pop_front();
}

void empty_subjects::add(const std::string& collection, const std::string& name, boot_time now) {
    drop_old(now);
    names_.push_back({collection, name, now});
    if (names_.size() > most) names_.pop_front();
}

std::string empty_subjects::find(const std::string& collection, std::string_view name,
                                 boot_time now) {
    drop_old(now);
    for (const auto& one : names_) {
        if (one.collection == collection && same_text(one.name, name)) return one.name;
    }
    return {};
}

bool empty_subjects::remove(const std::string& collection, std::string_view name, boot_time now) {
    drop_old(now);
    return names_.remove_if([&](const auto& one) {
        return one.collection == collection && same_text(one.name, name);
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
