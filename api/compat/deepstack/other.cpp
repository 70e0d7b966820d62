// What is not about faces. See calls.hpp.
#include "api/compat/common/native.hpp"
#include "api/compat/common/upstream.hpp"
#include "api/compat/deepstack/calls.hpp"
#include "api/jobs/job_response.hpp"

namespace vultus::api::compat::deepstack {
namespace {

/// The text for a service that is off; empty: the original has no such service.
std::string_view refusal_of(std::string_view name) {
    if (name == "detection") return "Detection endpoint not activated";
    if (name == "scene") return "Scene endpoint not activated";
    if (name == "enhance") return "Enhance endpoint not activated";
    if (name == "custom") return "Custom vision endpoint not activated";
    return {};
}

bool is_plain(std::string_view segment) {
    return segment.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               segment.npos &&
           segment != "." && segment != "..";
}

}  // namespace

asio::awaitable<response> other(call on) {
    const auto& segments = on.req.segments;
    const auto off = refusal_of(segments[0]);
    const auto& upstream = on.ctx.settings.compat.deepstack_upstream;
    // Faces are known here, so a call about them that does not exist is not for another server.
    if (segments[0] == "face") co_return answer_to({errc::not_found, {}}, on.req);
    if (upstream.empty()) {
        if (off.empty()) co_return answer_to({errc::not_found, {}}, on.req);
        co_return refusal(403, off);
    }
    std::string path = "/v1/vision";
    for (const auto& one : segments) {
        if (!is_plain(one)) co_return answer_to({errc::not_found, {}}, on.req);
        path += "/" + one;
    }
    const auto place = place_to_wait(on.req, on.ctx);
    if (!place) co_return answer_to(no_place_to_wait, on.req);
    std::string boundary;
    std::string body = form_without(on.given, "api_key admin_key", boundary);
    auto told = co_await forward(on.ctx.io, upstream, std::move(path),
                                 "multipart/form-data; boundary=" + boundary,
                                 shared_bytes(std::move(body)));
    if (!told) co_return refusal(500, "error occured on the server: " + told.error().detail);
    co_return unkept_json(told->status, std::move(told->body));
}

}  // namespace vultus::api::compat::deepstack
