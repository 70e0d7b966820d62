// See pictures.hpp.
#include "clients/ctl/privacy/pictures.hpp"

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "shared/store/picture_store.hpp"

namespace vultus::ctl {

result<report> pictures(const arguments& asked, redis_blocking& redis, const store_context& store) {
    const picture_store all(store);
    const auto rule =
        redis.call(asked.keep.empty() ? all.rule_of(asked.subject)
                                      : all.set_rule(asked.subject, choice_of(asked.keep), who()));
    if (!rule) return fail(rule.error());
    std::string text = asked.subject + ": ";
    json_text out;
    out.open_object().key("collection").text(asked.subject).key("keep");
    if (!rule->keep) {
        out.null();
        text += "worker.keep_pictures decides whether pictures are kept";
    } else {
        out.truth(*rule->keep);
        text += *rule->keep ? "pictures of trained faces are kept" : "no pictures are kept";
    }
    out.key("pictures").number(rule->pictures);
    text += "; " + std::to_string(rule->pictures) + " stored";
    if (rule->removed > 0) text += ", " + std::to_string(rule->removed) + " removed";
    return report{{{"", {}, text}}, out.close_object().str(), false};
}

}  // namespace vultus::ctl
