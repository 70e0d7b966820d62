// What stands in header fields, and the decisions that hang on them alone: media types, Prefer,
// entity tags, which Host and which Origin are ours, the trace, and when to try again. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::api {

/// Equal but for ASCII case.
bool same_text(std::string_view a, std::string_view b) noexcept;

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

/// Makes one field of each list-valued field that is given on several lines (RFC 9110, 5.3), where
/// the first of them stands.
void join_lists(std::vector<std::pair<std::string, std::string>>& fields);

/// Whether every entry of a list, which has one at least, is that text.
bool is_list_of(std::string_view list, std::string_view wanted) noexcept;

struct media_type {
    std::string type;      ///< "multipart/form-data", lower case; empty: not readable as one
    std::string boundary;  ///< the parameter of that name
};
media_type parse_media_type(std::string_view value);

/// The N of `wait=N` in a Prefer field, at most limits::wait; nothing if it is not there.
std::optional<std::chrono::seconds> prefer_wait(std::string_view value);

/// N of `?wait=N`. errors bad_option: not a number from 0 to 30
result<std::chrono::seconds> parse_wait(std::string_view value);

/// True if an If-None-Match field names the tag (weak comparison) or is "*".
bool matches_tag(std::string_view if_none_match, std::string_view tag) noexcept;

/// True if a Host field (with or without a port) names this service: localhost, 127.0.0.1, ::1, the
/// address the client reached, however it is written, or a name on the list ("*": any).
bool is_our_host(std::string_view host, std::string_view local_address,
                 const std::vector<std::string>& allowed) noexcept;

/// True if a request that changes something came from a page of another site.
bool is_foreign(std::string_view origin, std::string_view fetch_site, std::string_view host,
                const std::vector<std::string>& cors_origins) noexcept;

/// The trace id of a W3C traceparent field, or empty.
std::string trace_id_of(std::string_view traceparent);

/// Seconds after which a full queue is likely to have room: depth / rate, 1 to 120, and up to a
/// quarter more by chance so that clients do not come back together.
/// requires  0 <= chance < 1
int retry_after_seconds(std::uint64_t depth, double jobs_per_second, double chance) noexcept;

}  // namespace vultus::api
