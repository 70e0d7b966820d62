// See gallery_notifier.hpp.
#include "broker/gallery_notifier.hpp"

#include <algorithm>

namespace vultus::broker {

void gallery_notifier::hold(worker& one, const std::string& collection) {
    if (collection.empty()) return;  // of work that reads no gallery
    const auto [place, fresh] = one.galleries.try_emplace(collection);
    place->second.used = ++uses_;
    if (!fresh) return;
    place->second.version = versions_.version_of(collection);
    versions_.held(collection);
    if (one.galleries.size() <= galleries_noted_max) return;
    const auto oldest = std::min_element(
        one.galleries.begin(), one.galleries.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    versions_.dropped(oldest->first);
    one.galleries.erase(oldest);
}

void gallery_notifier::hold(worker& one, const std::string& collection, gallery_version version) {
    hold(one, collection);
    const auto held = one.galleries.find(collection);
    if (held != one.galleries.end()) held->second.version = version;
}

void gallery_notifier::release(const worker& one) {
    for (const auto& [collection, held] : one.galleries) versions_.dropped(collection);
}

void gallery_notifier::read_soon(boot_time at) {
    read_at_ = std::min(read_at_, at);
}

void gallery_notifier::submitted(boot_time now, bool ready, effects& out) {
    read_soon(std::max(now, last_read_ + version_read_pause));
    read_due(now, ready, out);
}

void gallery_notifier::read_due(boot_time now, bool ready, effects& out) {
    if (now < read_at_) return;
    read_at_ = boot_time::max();
    last_read_ = now;
    if (!ready) return;
    for (const std::string& collection : versions_.next_reads()) {
        out.push_back(read_gallery{collection});
    }
}

void gallery_notifier::changed(const std::string& collection, bool ready, effects& out) {
    if (ready && versions_.changed(collection)) out.push_back(read_gallery{collection});
}

void gallery_notifier::read(const gallery_read& reply, worker_table& workers, bool ready,
                            effects& out) {
    if (versions_.read_done(reply.collection) && ready) {
        out.push_back(read_gallery{reply.collection});
    }
    if (!reply.version) return;
    versions_.learned(reply.collection, *reply.version);
    for (auto& [connection, one] : workers.all()) {
        const auto held = one.galleries.find(reply.collection);
        if (held == one.galleries.end() || held->second.version == *reply.version) continue;
        held->second.version = *reply.version;
        out.push_back(to_worker{connection, protocol::reload{reply.collection, *reply.version}});
    }
}

protocol::versions gallery_notifier::versions_of(const worker& one) const {
    protocol::versions known;
    for (const auto& [collection, held] : one.galleries) {
        const auto version = versions_.version_of(collection);
        if (version) known[collection] = *version;
    }
    return known;
}

}  // namespace vultus::broker
