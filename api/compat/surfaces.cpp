// See surfaces.hpp.
#include "api/compat/surfaces.hpp"

#include <memory>

#include "api/compat/compreface/calls.hpp"
#include "api/compat/deepstack/calls.hpp"
#include "api/compat/immich/calls.hpp"
#include "api/compat/nextcloud/calls.hpp"
#include "api/http/problem.hpp"

namespace vultus::api::compat {
namespace {

struct state {
    compreface::empty_subjects empty;
};

asio::awaitable<response> handle(std::shared_ptr<state> all, request& req, services& ctx) {
    const surface of = req.row->of;
    response answer = problem({errc::not_found, "No such route"}, req.trace_id);
    if (of == surface::compreface) answer = co_await compreface::dispatch(req, ctx, all->empty);
    if (of == surface::deepstack) answer = co_await deepstack::dispatch(req, ctx);
    if (of == surface::nextcloud) answer = co_await nextcloud::dispatch(req, ctx);
    if (of == surface::immich) answer = co_await immich::dispatch(req, ctx);
    ctx.measured.count("vultus_compat_requests_total",
                       {{"surface", name_of(of)}, {"status", std::to_string(answer.status)}});
    co_return answer;
}

response refusal(surface of, const error& why, const request& req, int later) {
    if (of == surface::compreface) return compreface::answer_to(why, req, later);
    if (of == surface::deepstack) return deepstack::answer_to(why, req, later);
    if (of == surface::nextcloud) return nextcloud::answer_to(why, req, later);
    if (of == surface::immich) return immich::answer_to(why, req, later);
    return problem(why, req.trace_id, later);
}

}  // namespace

compat_calls calls() {
    const auto all = std::make_shared<state>();
    return {[all](request& req, services& ctx) { return handle(all, req, ctx); }, refusal};
}

}  // namespace vultus::api::compat
