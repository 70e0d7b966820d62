// What the server asks about a request before it reads a body and before anything leaves. The one
// that decides is access_control (access_control.hpp).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "api/http/access_rule.hpp"
#include "api/http/message.hpp"

namespace vultus::api {

/// threads   that of the io_context
class request_authorizer {
 public:
    virtual ~request_authorizer() = default;

    /// Finds the request's key and puts it and the client's name into the request.
    /// errors    malformed, unauthorized, forbidden; store_unavailable: nobody can tell now
    virtual asio::awaitable<result<void>> admit(request& req, const access_rule& rule) = 0;

    /// Takes the request from its key's quota, and adds what is left to the fields of its answer.
    /// `image_bytes`  of the body; 0: no photo; nothing: not known beforehand
    /// errors    quota, length_required, unauthorized, store_unavailable
    virtual asio::awaitable<result<void>> charge(request& req,
                                                 std::optional<std::size_t> image_bytes) = 0;

    /// Whether the request's key is still good: asked before something leaves.
    /// errors    unauthorized, store_unavailable
    virtual asio::awaitable<result<void>> still(const request& req) = 0;
};

}  // namespace vultus::api
