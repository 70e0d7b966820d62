// The retention of a collection (how long it keeps people who were not seen): read, set, remove.
#include <charconv>

#include "api/handlers/collection_setting.hpp"
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/job_view.hpp"
#include "api/jobs/submission.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/store/retention.hpp"

namespace vultus::api {

namespace handlers {
namespace {

constexpr std::chrono::hours day{24};

result<std::chrono::milliseconds> days_in(const name_values& given) {
    const auto found = given.find("days");
    if (found == given.end()) {
        return fail(errc::bad_option, "days is missing: an integer from 1 to 36500");
    }
    int days = 0;
    const auto& text = found->second;
    const auto end = text.data() + text.size();
    const auto [stop, bad] = std::from_chars(text.data(), end, days);
    if (bad != std::errc{} || stop != end || days < 1 || days > retention_days_max) {
        return fail(errc::bad_option,
                    "days must be an integer from 1 to 36500, not " + in_quotes(text));
    }
    return std::chrono::milliseconds(days * day);
}

response rule_response(const std::string& collection, const retention_rule& rule) {
    json_object text;
    text.add("collection", collection);
    if (rule.lasts.count() == 0) {
        text.raw("days", "null");
    } else {
        text.add("days", rule.lasts / day).add("since", rfc3339(rule.since));
    }
    return json_response(200, text.take());
}

}  // namespace

/// GET, POST and DELETE /api/collections/{collection}/retention
asio::awaitable<response> retention(request& req, services& ctx) {
    const auto collection = collection_in_path(req);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto change = setting_change_of<std::chrono::milliseconds>(req, "days", days_in);
    if (!change) co_return refuse(change.error(), req, ctx);
    if (change->made) {
        const auto lasts = change->value.value_or(std::chrono::milliseconds{0});
        const auto call = ctx.retention.set_retention(*collection, lasts, req.client, req.address);
        const auto set = co_await ctx.redis.call(call);
        if (!set) co_return refuse(set.error(), req, ctx);
    }
    const auto call = ctx.retention.retention_of(*collection);
    const auto rule = co_await ctx.redis.call(call);
    if (!rule) co_return refuse(rule.error(), req, ctx);
    co_return rule_response(*collection, *rule);
}

}  // namespace handlers
}  // namespace vultus::api
