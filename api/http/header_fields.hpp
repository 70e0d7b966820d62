// Parsers of header fields, and decisions that depend only on them: media types, Prefer, entity
// tags, Host and Origin, the trace, and Retry-After. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::api {

/// Equal, ignoring ASCII case.
bool same_text(std::string_view a, std::string_view b) noexcept;

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

/// Joins the lines of each list-valued field into one field (RFC 9110, 5.3), at the position of the
/// first.
void join_lists(std::vector<std::pair<std::string, std::string>>& fields);

/// Whether a list is not empty and every entry is that text.
bool is_list_of(std::string_view list, std::string_view wanted) noexcept;

struct media_type {
    std::string type;      ///< "multipart/form-data", lower case; empty: not a media type
    std::string boundary;  ///< the parameter of that name
};
media_type parse_media_type(std::string_view value);

/// The N of `wait=N` in a Prefer field, at most limits::wait; nothing without it.
std::optional<std::chrono::seconds> prefer_wait(std::string_view value);

/// N of `?wait=N`. errors bad_option: not a number from 0 to 30
result<std::chrono::seconds> parse_wait(std::string_view value);

/// Whether an If-None-Match field contains the tag (weak comparison) or is "*".
bool matches_tag(std::string_view if_none_match, std::string_view tag) noexcept;

/// Whether a Host field (with or without a port) names this service: localhost, 127.0.0.1, ::1, the
/// local address of the connection in any notation, or a name on the list ("*": any).
bool is_our_host(std::string_view host, std::string_view local_address,
                 const std::vector<std::string>& allowed) noexcept;

/// Whether a request comes from a page of another site (asked for requests that change something).
bool is_foreign(std::string_view origin, std::string_view fetch_site, std::string_view host,
                const std::vector<std::string>& cors_origins) noexcept;

/// The trace id of a W3C traceparent field, or empty.
std::string trace_id_of(std::string_view traceparent);

/// Seconds after which a full queue is likely to have room: depth / rate, 1 to 120, plus up to a
/// quarter at random so that clients do not retry at the same time.
/// requires  0 <= chance < 1
int retry_after_seconds(std::uint64_t depth, double jobs_per_second, double chance) noexcept;

}  // namespace vultus::api
