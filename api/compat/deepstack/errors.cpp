// DeepStack's errors. See calls.hpp.
#include "api/compat/common/native.hpp"
#include "api/compat/deepstack/calls.hpp"
#include "api/http/json.hpp"
#include "api/http/problem.hpp"

namespace vultus::api::compat::deepstack {

response refusal(int status, std::string_view why) {
    json_object text;
    text.add("success", false).add("error", why).add("duration", 0);
    return unkept_json(status, text.take());
}

response answer_to(const error& why, const request& req, int later) {
    const int native = http_status(why.code);
    switch (why.code) {
        case errc::unauthorized:
        case errc::forbidden:
            return refusal(401, "Incorrect api key");
        case errc::not_found:
        case errc::method_not_allowed:
            return refusal(404, req.method + " is not served here");
        case errc::undecodable_image:
        case errc::truncated_image:
        case errc::unsupported_media:
        case errc::poison:
            return refusal(400, "invalid image");
        case errc::no_face:
            return refusal(400, "no face detected");
        case errc::deadline_exceeded: {
            auto made = refusal(500, "failed to process request before timeout");
            return made.with("Retry-After", std::to_string(later > 0 ? later : 1));
        }
        default:
            break;
    }
    if (native == 429 || native >= 500) {
        auto made = refusal(native == 429 ? 429 : 500, "error occured on the server");
        return made.with("Retry-After", std::to_string(later > 0 ? later : 1));
    }
    const bool kept = native == 413 || native == 408 || native == 421 || native == 403;
    return refusal(kept ? native : 400, why.detail.empty() ? title_of(why.code) : why.detail);
}

response answer_to(const error& why, const request& req) {
    return answer_to(why, req, req.retry_after);
}

}  // namespace vultus::api::compat::deepstack
