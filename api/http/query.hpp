// The query of a request target as names and values. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus::api {

using name_values = std::map<std::string, std::string>;

/// The text in quotes, for error texts: escaped as in JSON, and truncated after 40 bytes.
std::string in_quotes(std::string_view text);

/// bad_option: `where` ("the query", "recognize") contains a name that is not in `known`.
error unknown_name(std::string_view where, std::string_view name, std::string_view known);

/// malformed: the name occurs twice in `where`.
error given_twice(std::string_view where, std::string_view name);

/// Reads "a=1&b=2"; '+' is a space, %XX is decoded.
/// `known`   accepted names, separated by spaces; "*": any query is accepted and ignored
/// `where`   for error texts
/// errors    for the first wrong name. malformed: a bad escape, a byte 0, bad UTF-8, given twice;
///           bad_option: unknown
result<name_values> parse_query(std::string_view query, std::string_view known,
                                std::string_view where = "the query");

struct page {
    std::size_t size = 100;
    std::string token;  ///< the store's cursor at its start; empty: the first page
};

/// page_size (1 to limits::page_size) and page_token of a listing; `token` is the cursor in it.
/// errors    bad_option
result<page> parse_page(const name_values& query);

/// `collection` of the query, or "default". errors bad_collection
result<std::string> parse_collection(const name_values& fields);

}  // namespace vultus::api
