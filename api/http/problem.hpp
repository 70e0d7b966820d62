// Errors as RFC 9457 problem documents. The one switch from errc to an HTTP status is here.
#pragma once

#include <string_view>

#include "api/http/message.hpp"
#include "shared/base/error.hpp"

namespace vultus::api {

int http_status(errc code) noexcept;

/// The title, the same for every occurrence of the code.
std::string_view title_of(errc code) noexcept;

/// application/problem+json with type "/problems/<name>", title, status, detail and trace_id;
/// answers of 413 and 408 close the connection, 503 and 429 carry Retry-After,
/// 401 WWW-Authenticate.
response problem(const error& why, std::string_view trace_id, int retry_after = 1);

}  // namespace vultus::api
