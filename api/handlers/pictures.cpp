// Whether a collection keeps pictures of its faces: read, choose, return to the worker's setting.
#include "api/handlers/collection_setting.hpp"
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/submission.hpp"
#include "shared/store/picture_store.hpp"

namespace vultus::api {

namespace handlers {
namespace {

result<bool> keep_in(const name_values& given) {
    const auto found = given.find("keep");
    if (found == given.end()) return fail(errc::bad_option, "keep is missing: true or false");
    if (found->second == "true" || found->second == "1") return true;
    if (found->second == "false" || found->second == "0") return false;
    return fail(errc::bad_option, "keep must be true or false, not " + in_quotes(found->second));
}

}  // namespace

/// GET, POST and DELETE /api/collections/{collection}/pictures
asio::awaitable<response> pictures(request& req, services& ctx) {
    const auto collection = collection_in_path(req);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto change = setting_change_of<bool>(req, "keep", keep_in);
    if (!change) co_return refuse(change.error(), req, ctx);
    const auto call =
        change->made ? ctx.pictures.set_rule(*collection, change->value, req.client, req.address)
                     : ctx.pictures.rule_of(*collection);
    const auto rule = co_await ctx.redis.call(call);
    if (!rule) co_return refuse(rule.error(), req, ctx);
    json_object text;
    text.add("collection", *collection).add("keep", rule->keep);
    text.add("pictures", rule->pictures);
    co_return json_response(200, text.take());
}

}  // namespace handlers
}  // namespace vultus::api
