// CompreFace's errors: {"message", "code"} with the codes and statuses of its contract
// (docs/compat.md). Its clients read the body and never our problem documents. Pure.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "api/http/message.hpp"
#include "shared/base/error.hpp"

namespace vultus::api::compat::compreface {

/// A value, or the answer that says why there is none.
template <class T>
using outcome = tl::expected<T, response>;

inline constexpr std::string_view usual_message = "Something went wrong, please try again";

enum class code {
    anything = 0,
    empty_member = 5,
    unknown_key = 10,
    no_key = 20,
    bad_file = 21,
    bad_value = 26,
    no_face = 28,
    several_faces = 31,
    no_parameter = 33,
    no_part = 34,
    bad_name = 36,
    too_few_embeddings = 37,
    unavailable = 41,
    no_subject = 42,
    subject_exists = 43,
    no_image = 44,
};

response refusal(code what, std::string_view message = {}, int status = 0);
inline tl::unexpected<response> refused(code what, std::string_view message = {}) {
    return tl::unexpected<response>(refusal(what, message));
}

/// The answer for an error of the service. `later`: seconds, of a Retry-After
response answer_to(const error& why, const request& req, int later);
/// The same for an error of a native call, which left its Retry-After in the request.
response answer_to(const error& why, const request& req);
/// The same for a call about a photo: a photo that cannot be used is one without a face.
response answer_about_photo(const error& why, const request& req);

}  // namespace vultus::api::compat::compreface
