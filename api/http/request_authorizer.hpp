// The interface between the server and access control: checks before a body is read and before an
// answer is sent. access_control (access_control.hpp) implements it.
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

    /// Finds the request's key and stores it and the client's name in the request.
    /// errors    malformed, unauthorized, forbidden; store_unavailable: the key cannot be verified
    virtual asio::awaitable<result<void>> admit(request& req, const access_rule& rule) = 0;

    /// Charges the request to the quota of its key, and adds the remaining quota to the fields of
    /// its answer.
    /// `image_bytes`  of the body; 0: no photo; nothing: not known in advance
    /// errors    quota, length_required, unauthorized, store_unavailable
    virtual asio::awaitable<result<void>> charge(request& req,
                                                 std::optional<std::size_t> image_bytes) = 0;

    /// Whether the request's key is still valid: called before an answer is sent.
    /// errors    unauthorized, store_unavailable
    virtual asio::awaitable<result<void>> still(const request& req) = 0;
};

}  // namespace vultus::api
