// See operator_store.hpp.
#include "shared/store/operator_store.hpp"

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

redis_call<std::string> operate(const char* name, const std::string& prefix, std::string_view id,
                                std::string_view by) {
    return function_call<std::string>(
        name, prefix, {std::string(id), std::string(by)},
        [](const std::string& status, fields& all) -> result<std::string> {
            if (status == "ok") return status;
            if (status == "no_image") {
                return fail(errc::no_image, "Photos of the job no longer stored");
            }
            if (status == "wrong_state") {
                return fail(errc::wrong_state, "Job is " + all.text());
            }
            return no_such_job(status);
        });
}

audit_entry read_entry(redis_reply entry) {
    audit_entry one;
    if (entry.items.size() != 2) return one;
    one.id = std::move(entry.items[0].text);
    const std::pair<std::string_view, std::string*> names[] = {{"who", &one.who},
                                                               {"from", &one.from},
                                                               {"what", &one.what},
                                                               {"about", &one.about},
                                                               {"label", &one.label_hash},
                                                               {"collection", &one.collection},
                                                               {"label_to", &one.label_to_hash},
                                                               {"hosts", &one.hosts},
                                                               {"person", &one.person_id}};
    auto& pairs = entry.items[1].items;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
        for (const auto& [name, into] : names) {
            if (pairs[i].text == name) *into = std::move(pairs[i + 1].text);
        }
    }
    return one;
}

}  // namespace

redis_call<std::string> operator_store::kick(std::string_view id, std::string_view by) const {
    return operate("kick", context_.prefix(), id, by);
}
redis_call<std::string> operator_store::bury(std::string_view id, std::string_view by) const {
    return operate("bury", context_.prefix(), id, by);
}
redis_call<std::string> operator_store::remove(std::string_view id, std::string_view by) const {
    return operate("delete", context_.prefix(), id, by);
}

redis_call<std::pair<std::string, std::vector<std::string>>> operator_store::fsck(
    const std::string& cursor, std::size_t count, bool sums) const {
    using answer = std::pair<std::string, std::vector<std::string>>;
    return function_call<answer>("fsck", context_.prefix(),
                                 {cursor, std::to_string(count), sums ? "1" : "0"},
                                 [](const std::string& status, fields& all) -> result<answer> {
                                     if (status != "ok" && status != "more")
                                         return unexpected_reply(status);
                                     answer found{all.text(), {}};
                                     while (all.more()) found.second.push_back(all.text());
                                     return found;
                                 });
}

redis_call<std::vector<audit_entry>> operator_store::audit(std::size_t count,
                                                           const std::string& before) const {
    return array_call<std::vector<audit_entry>>(
        {"XREVRANGE", context_.key("audit"), before.empty() ? "+" : "(" + before, "-", "COUNT",
         std::to_string(count)},
        [](fields& all) -> result<std::vector<audit_entry>> {
            std::vector<audit_entry> entries;
            for (auto& item : all.items()) {
                if (item.items.size() != 2) return unexpected_reply("an entry of a stream");
                entries.push_back(read_entry(std::move(item)));
            }
            return entries;
        });
}

}  // namespace vultus
