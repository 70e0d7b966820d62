// DeepStack's and CodeProject.AI's calls about faces, mapped to native requests (docs/compat.md).
// The key comes inside the form, so each call reads its body first.
#pragma once

#include <string>

#include "api/compat/common/form.hpp"
#include "api/handlers/handlers.hpp"

namespace vultus::api::compat::deepstack {

/// What a call works with; the key was accepted.
struct call {
    request& req;
    services& ctx;
    const form& given;
    std::string collection;
};

/// Answers a request of a row of this surface.
asio::awaitable<response> dispatch(request& req, services& ctx);

// recognize.cpp
asio::awaitable<response> detect(call on);
asio::awaitable<response> recognize(call on);
asio::awaitable<response> match(call on);

// people.cpp
asio::awaitable<response> enroll(call on);  ///< their `register`
asio::awaitable<response> list(call on);
asio::awaitable<response> remove(call on);

// other.cpp
/// Objects, scenes and what else is not about faces: handed on, or refused as not activated.
asio::awaitable<response> other(call on);

// errors.cpp
/// {"success": false, "error", "duration"}
response refusal(int status, std::string_view why);
response answer_to(const error& why, const request& req, int later);
/// The same for an error of a native call, which left its Retry-After in the request.
response answer_to(const error& why, const request& req);

}  // namespace vultus::api::compat::deepstack
