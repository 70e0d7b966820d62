// See errors.hpp.
#include "api/compat/compreface/errors.hpp"

#include "api/compat/common/native.hpp"
#include "api/http/access_rule.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/problem.hpp"
#include "shared/model/access_key.hpp"

namespace vultus::api::compat::compreface {
namespace {

int status_of(code what) {
    switch (what) {
        case code::unknown_key:
        case code::no_subject:
        case code::no_image:
            return 404;
        case code::unavailable:
            return 500;
        default:
            return 400;
    }
}

/// Why the key is not taken; the contract has no 401 and no 403.
response answer_to_key(const request& req) {
    const auto key = trimmed(req.header("x-api-key"));
    if (key.empty() && req.header("authorization").empty()) {
        return refusal(code::no_key, "Missing header: x-api-key");
    }
    if (!key.empty() && !is_uuid(key) && !id_in_key(key)) {
        return refusal(code::bad_value, "The service API key should be a UUID; ");
    }
    const std::string_view route = req.row == nullptr ? "" : req.row->name;
    const char* service = route == "compreface_detect" ? "Detection"
                          : route == "compreface_verify" || route == "compreface_embeddings_verify"
                              ? "Verification"
                              : "Recognition";
    // The original repeats the key here; no answer of ours has one.
    return refusal(code::unknown_key,
                   std::string(service) + " service with the given API Key not found");
}

}  // namespace

response refusal(code what, std::string_view message, int status) {
    json_object text;
    text.add("message", message.empty() ? usual_message : message);
    text.add("code", static_cast<int>(what));
    return unkept_json(status == 0 ? status_of(what) : status, text.take());
}

response answer_to(const error& why, const request& req, int later) {
    const int native = http_status(why.code);
    switch (why.code) {
        case errc::unauthorized:
        case errc::forbidden:
            return answer_to_key(req);
        case errc::method_not_allowed:
            return refusal(code::anything, "Request method '" + req.method + "' is not supported",
                           404);
        case errc::not_found:
            return refusal(code::anything, "Not found", 404);
        case errc::bad_label:
            return refusal(code::bad_value, why.detail + "; ");
        case errc::no_face:
            return refusal(code::no_face, "No face is found in the given image");
        case errc::several_faces:
            return refusal(code::several_faces, "More than one face in the source image");
        case errc::label_full:
        case errc::gallery_full:
            return refusal(code::anything, title_of(why.code));
        case errc::too_large:
        case errc::request_timeout:
        case errc::forbidden_origin:
        case errc::misdirected:
            return refusal(code::anything, why.detail, native);
        default:
            break;
    }
    if (native == 429 || native >= 500) {
        auto made = refusal(code::unavailable, why.detail.empty() ? title_of(why.code) : why.detail,
                            native == 429 ? 429 : 500);
        return made.with("Retry-After", std::to_string(later > 0 ? later : 1));
    }
    return refusal(code::anything);
}

response answer_to(const error& why, const request& req) {
    return answer_to(why, req, req.retry_after);
}

response answer_about_photo(const error& why, const request& req) {
    switch (why.code) {
        case errc::undecodable_image:
        case errc::truncated_image:
        case errc::unsupported_media:
        case errc::poison:
        case errc::too_small:
            return refusal(code::no_face, "No face is found in the given image: " + why.detail);
        default:
            return answer_to(why, req);
    }
}

}  // namespace vultus::api::compat::compreface
