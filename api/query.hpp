// The query of an address as names and values. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shared/result.hpp"

namespace vultus::api {

using name_values = std::map<std::string, std::string>;

/// Reads "a=1&b=2"; '+' is a space, %XX is decoded.
/// `known`   names that may come, separated by spaces; "*" lets any come, and forgets them
/// errors    malformed: a bad escape, a byte 0, bad UTF-8, a name given twice; bad_option: a name
///           that is not known
result<name_values> parse_query(std::string_view query, std::string_view known);

struct page {
    std::size_t size = 100;
    std::string token;
};

/// page_size (1 to limits::page_size) and page_token of a listing. errors bad_option
result<page> parse_page(const name_values& query);

/// `collection` of the query, or "default". errors bad_collection
result<std::string> parse_collection(const name_values& fields);

}  // namespace vultus::api
