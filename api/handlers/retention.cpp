// How long a collection keeps people whom nobody saw: asked, set, ended.
#include <charconv>

#include "api/jobs/job_response.hpp"
#include "api/handlers/handlers.hpp"
#include "api/jobs/job_view.hpp"
#include "api/http/json.hpp"
#include "api/jobs/submission.hpp"
#include "shared/store/retention.hpp"
#include "shared/base/rfc3339.hpp"

namespace vultus::api {

namespace handlers {
namespace {

constexpr std::chrono::hours day{24};

result<std::string> asked_for(const request& from) {
    if (auto good = check_collection(from.segments[0]); !good) return fail(good.error());
    if (auto good = may_use(from.key.get(), from.segments[0]); !good) return fail(good.error());
    return from.segments[0];
}

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

response told(const std::string& collection, const retention_rule& rule) {
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
asio::awaitable<response> retention(request& from, services& with) {
    const auto collection = asked_for(from);
    if (!collection) co_return refuse(collection.error(), from, with);
    if (from.method == "POST" || from.method == "DELETE") {
        std::chrono::milliseconds lasts{0};
        if (from.method == "POST") {
            const auto given = read_fields(from, "days");
            if (!given) co_return refuse(given.error(), from, with);
            const auto days = days_in(*given);
            if (!days) co_return refuse(days.error(), from, with);
            lasts = *days;
        }
        const auto call =
            set_retention(with.store, *collection, lasts, from.client, from.address);
        const auto set = co_await with.redis.call(call);
        if (!set) co_return refuse(set.error(), from, with);
    }
    const auto call = retention_of(with.store, *collection);
    const auto rule = co_await with.redis.call(call);
    if (!rule) co_return refuse(rule.error(), from, with);
    co_return told(*collection, *rule);
}

}  // namespace handlers
}  // namespace vultus::api
