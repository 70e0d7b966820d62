// Reads the form, checks its key, and maps the rows of this surface to their calls. See calls.hpp.
#include "api/compat/common/native.hpp"
#include "api/compat/deepstack/calls.hpp"

namespace vultus::api::compat::deepstack {
namespace {

asio::awaitable<response> dispatch_call(call on) {
    const std::string_view name = on.req.row->name;
    if (name == "deepstack_detect") co_return co_await detect(std::move(on));
    if (name == "deepstack_recognize") co_return co_await recognize(std::move(on));
    if (name == "deepstack_match") co_return co_await match(std::move(on));
    if (name == "deepstack_register") co_return co_await enroll(std::move(on));
    if (name == "deepstack_list") co_return co_await list(std::move(on));
    if (name == "deepstack_delete") co_return co_await remove(std::move(on));
    co_return co_await other(std::move(on));
}

}  // namespace

asio::awaitable<response> dispatch(request& req, services& ctx) {
    // A broken form has no key, and no file: the first of the two that is missing is told.
    const auto given = read_form(req, "image image1 image2 file");
    form whole;
    if (given) whole = *given;
    const auto field = whole.fields.find("api_key");
    std::string key;
    if (field != whole.fields.end()) key = field->second;
    const auto admitted = co_await ctx.access.admit_by_body(req, std::move(key));
    if (!admitted) co_return answer_to(admitted.error(), req);
    req.body = {};
    if (!given && given.error().code == errc::too_large) co_return answer_to(given.error(), req);
    auto collection = collection_of(req);
    if (!collection) co_return answer_to(collection.error(), req);
    call on{req, ctx, whole, std::move(*collection)};
    co_return co_await dispatch_call(std::move(on));
}

}  // namespace vultus::api::compat::deepstack
