// See retention.hpp.
#include "clients/ctl/privacy/retention.hpp"

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/store/retention.hpp"

namespace vultus::ctl {
namespace {

constexpr std::chrono::hours day{24};

}  // namespace

result<report> retention(const arguments& asked, redis_blocking& redis,
                         const store_context& store) {
    if (asked.days > 0 || asked.off) {
        const std::chrono::milliseconds lasts = static_cast<std::int64_t>(asked.days) * day;
        const auto set =
            redis.call(retention_store(store).set_retention(asked.subject, lasts, who()));
        if (!set) return fail(set.error());
    }
    const auto rule = redis.call(retention_store(store).retention_of(asked.subject));
    if (!rule) return fail(rule.error());
    json_text out;
    out.open_object().key("collection").text(asked.subject).key("days");
    std::string text = asked.subject + ": people are kept until they are removed";
    if (rule->lasts.count() == 0) {
        out.null();
    } else {
        const auto days = static_cast<std::uint64_t>(rule->lasts / day);
        out.number(days).key("since").text(rfc3339(rule->since));
        text = asked.subject + ": people not seen for " + std::to_string(days) +
               " days are forgotten; counted since " + rfc3339(rule->since);
    }
    return report{{{"", {}, text}}, out.close_object().str(), false};
}

}  // namespace vultus::ctl
