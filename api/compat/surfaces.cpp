// See surfaces.hpp.
#include "api/compat/surfaces.hpp"

#include <memory>

#include "api/compat/compreface/calls.hpp"
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
    ctx.measured.count("vultus_compat_requests_total",
                       {{"surface", name_of(of)}, {"status", std::to_string(answer.status)}});
    co_return answer;
}

response refusal(surface of, const error& why, const request& req, int later) {
    if (of == surface::compreface) return compreface::answer_to(why, req, later);
    return problem(why, req.trace_id, later);
}

}  // namespace

compat_calls calls() {
    const auto all = std::make_shared<state>();
    return {[all](request& req, services& ctx) { return handle(all, req, ctx); }, refusal};
}

}  // namespace vultus::api::compat
