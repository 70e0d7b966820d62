// See retention.hpp.
#include "shared/store/retention.hpp"

#include <algorithm>

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

redis_call<retention_rule> retention_store::retention_of(std::string_view collection) const {
    return function_call<retention_rule>(
        "retention", context_.prefix(), {std::string(collection)},
        [](const std::string& status, fields& all) -> result<retention_rule> {
            if (status != "ok") return fail(errc::not_found, "no such collection");
            retention_rule rule;
            rule.lasts = std::chrono::milliseconds(all.number<std::int64_t>());
            rule.since = all.time();
            return rule;
        });
}

redis_call<void> retention_store::set_retention(std::string_view collection,
                                                std::chrono::milliseconds lasts,
                                                const std::string& by,
                                                const std::string& address) const {
    return function_call<void>(
        "set_retention", context_.prefix(),
        {std::string(collection), text_of(lasts), address.empty() ? by : by + ' ' + address},
        [](const std::string& status, fields&) -> result<void> {
            if (status == "ok") return {};
            return fail(errc::not_found, "no such collection");
        });
}

redis_call<void> retention_store::note_seen(std::string_view collection,
                                            const std::vector<std::string>& labels) const {
    std::vector<std::string> words{std::string(collection)};
    words.insert(words.end(), labels.begin(), labels.end());
    return function_call<void>("seen", context_.prefix(), std::move(words),
                               [](const std::string&, fields&) -> result<void> { return {}; });
}

redis_call<watched_gallery> retention_store::watch_gallery(
    std::string_view collection, const std::vector<std::string>& keys) const {
    std::vector<std::string> words{std::string(collection)};
    words.insert(words.end(), keys.begin(), keys.end());
    return function_call<watched_gallery>(
        "version", context_.prefix(), std::move(words),
        [count = keys.size()](const std::string& status, fields& all) -> result<watched_gallery> {
            if (status != "ok") return unexpected_reply(status);
            watched_gallery seen;
            seen.version = all.number();
            seen.removed_version = all.number();
            for (int skipped = 0; skipped < 2; ++skipped) all.text();  // faces, people
            const std::string embedder = all.text();
            seen.forgets = all.number() > 0;
            if (all.more()) seen.dimension = all.number<std::size_t>();
            if (all.more()) seen.models.detector = all.text();
            if (all.more()) seen.models.embedder = all.text();
            if (all.more()) all.text();  // keep_pictures
            const auto usual = all.more() ? all.number<std::size_t>() : 0;
            if (embedder.empty()) {
                seen.dimension = usual;
            } else {
                seen.models.embedder = embedder;
            }
            for (std::size_t i = 0; i < count && all.more(); ++i) {
                seen.people.push_back({all.text(), false});
            }
            for (auto& one : seen.people) one.name_shared = all.more() && all.text() == "1";
            return seen;
        });
}

redis_call<std::vector<unseen_person>> retention_store::unseen(std::size_t most) const {
    using people = std::vector<unseen_person>;
    return function_call<people>("unseen", context_.prefix(), {std::to_string(most)},
                                 [](const std::string&, fields& all) -> result<people> {
                                     people found(std::min<std::size_t>(all.number(), 1'000));
                                     for (auto& one : found) {
                                         one.collection = all.text();
                                         one.label = all.text();
                                     }
                                     return found;
                                 });
}

redis_call<bool> retention_store::forget_unseen(const std::string& job_id, const unseen_person& who,
                                                const std::string& label_hash) const {
    return function_call<bool>(
        "forget_unseen", context_.prefix(),
        {job_id, who.collection, who.label,
         label_hash.empty() ? "retention" : "retention  " + label_hash},
        [](const std::string& status, fields&) -> result<bool> { return status == "ok"; });
}

}  // namespace vultus
