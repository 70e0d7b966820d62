// Searches Redis for what is about one person: every element of every key of the prefix, of any
// type, so that keys of later versions are searched too.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "clients/ctl/privacy/erased_person.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct trace {
    std::string key;    ///< without the prefix
    std::string where;  ///< its field, member or entry; or "the value"
};

struct scanned {
    std::map<std::string, std::uint64_t> keys;  ///< first word of a key -> how many were searched
    std::uint64_t elements = 0;
    std::vector<trace> traces;      ///< the first limits::page_size
    std::uint64_t found = 0;        ///< their total number
    std::vector<std::string> jobs;  ///< ids of the jobs with a trace, each once
    std::vector<std::string> logs;  ///< collections whose log has a trace
    bool slow_log = false;          ///< Redis' slow log has a trace
    std::set<std::string> similar;  ///< "collection: label" of similar trained names
};

/// A form that similar names share: NFKC, case-folded, without white space and invisible
/// characters.
std::string look_of(std::string_view label);

/// Photos, pictures and vectors contain no name and are not read; fsck
/// finds those without a face. Concurrent writes may be missed.
/// errors    those of the connection
result<scanned> scan_for(const erased_person& who, redis_blocking& redis,
                         const store_context& store);

/// A plain command; an error reply of Redis becomes an error.
redis_call<redis_reply> plain_call(std::vector<std::string> words);

}  // namespace vultus::ctl
