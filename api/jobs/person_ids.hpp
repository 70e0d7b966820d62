// person_ids in an answer that is not stored: a worker names people by placeholders
// (shared/model/person_key.hpp), and the last look at the collection tells their ids. The store
// does the same with what it stores. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/store/retention.hpp"

namespace vultus::api {

/// The keys of the people in a result, each once, at most limits::page_size.
std::vector<std::string> keys_in(std::string_view result);

/// The result with the id of people[i] in the place of keys[i], and "name_shared":true behind it
/// where others have the name; null for an empty id, and for other keys.
std::string with_person_ids(std::string_view result, const std::vector<std::string>& keys,
                            const std::vector<known_person>& people);

}  // namespace vultus::api
