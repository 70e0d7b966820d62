// Maps requested names to stored ones (handlers.hpp).
#include "api/handlers/handlers.hpp"
#include "shared/model/label.hpp"

namespace vultus::api {

asio::awaitable<result<std::string>> stored_label(std::string collection, std::string label,
                                                  services& ctx) {
    const auto normal = normal_label(label);
    if (!normal || *normal == label) co_return label;
    const auto exact = co_await ctx.redis.call(ctx.galleries.faces(collection, label));
    if (exact) co_return label;
    if (exact.error().code == errc::not_found) co_return *normal;
    co_return fail(exact.error());
}

}  // namespace vultus::api
