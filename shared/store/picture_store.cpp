// See picture_store.hpp.
#include "shared/store/picture_store.hpp"

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

redis_call<picture_rule> picture_store::rule_of(std::string_view collection) const {
    return function_call<picture_rule>(
        "pictures", context_.prefix(), {std::string(collection)},
        [](const std::string& status, fields& all) -> result<picture_rule> {
            if (status != "ok") return unexpected_reply(status);
            picture_rule rule;
            rule.keep = picture_choice(all.text());
            rule.pictures = all.number();
            return rule;
        });
}

redis_call<picture_rule> picture_store::set_rule(std::string_view collection,
                                                 std::optional<bool> keep, const std::string& by,
                                                 const std::string& address) const {
    return function_call<picture_rule>(
        "set_pictures", context_.prefix(),
        {std::string(collection),
         !keep   ? "worker"
         : *keep ? "keep"
                 : "remove",
         address.empty() ? by : by + ' ' + address},
        [](const std::string& status, fields& all) -> result<picture_rule> {
            if (status == "not_found") return fail(errc::not_found, "no such collection");
            if (status == "collections_full") {
                return fail(errc::gallery_full, "collection limit reached");
            }
            if (status != "ok") return unexpected_reply(status);
            picture_rule rule;
            rule.keep = picture_choice(all.text());
            rule.pictures = all.number();
            rule.removed = all.number();
            return rule;
        });
}

redis_call<unpictured_step> picture_store::people_without(std::string_view collection,
                                                          const std::string& cursor) const {
    return function_call<unpictured_step>(
        "without_pictures", context_.prefix(), {std::string(collection), cursor},
        [cursor](const std::string& status, fields& all) -> result<unpictured_step> {
            if (status != "ok") return unexpected_reply(status);
            unpictured_step step;
            step.cursor = all.text();
            if (!step.cursor.empty() && step.cursor <= cursor) return unexpected_reply("cursor");
            all.number();
            while (all.more()) step.labels.push_back(all.text());
            return step;
        });
}

}  // namespace vultus
