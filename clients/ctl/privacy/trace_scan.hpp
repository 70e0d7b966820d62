// Looks through everything that Redis holds for the name of one person: each element of each key of
// the prefix, whatever its type, so that a key which is added one day is looked through too.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct trace {
    std::string key;    ///< without the prefix
    std::string where;  ///< field, member or entry of it; "the value"
};

struct scanned {
    std::map<std::string, std::uint64_t> keys;  ///< first word of a key -> how many were looked at
    std::uint64_t elements = 0;
    std::vector<trace> traces;      ///< the first limits::page_size
    std::uint64_t found = 0;        ///< all of them
    std::vector<std::string> jobs;  ///< ids of the jobs among them, each once
    std::vector<std::string> logs;  ///< collections whose log is among them
    bool slow_log = false;          ///< Redis' own list of slow commands is among them
    std::set<std::string> similar;  ///< "collection: label" of taught names much alike
};

class label_finder {
 public:
    explicit label_finder(std::string label);
    /// Whether the element is the label, begins with it and a newline (as in by_label), or has it
    /// as a JSON string: `Al` is not in `Albert`. Letters may be composed or not (Unicode's NFC and
    /// NFD are the same name).
    bool in(std::string_view element) const;

 private:
    bool exactly_in(std::string_view element) const;
    std::string label_, quoted_;  ///< NFC
};

/// Names that a person takes for the same have the same: NFKC, folded case, without white space
/// and characters that show nothing.
std::string look_of(std::string_view label);

/// `collection` empty: all. Photos, pictures and vectors hold no name and are not read; that none
/// is left without its face is for fsck. What is written meanwhile may be missed.
/// errors    those of the connection
result<scanned> scan_for(const std::string& label, const std::string& collection,
                         redis_blocking& redis, const store_context& store);

/// A plain command, whose errors are errors.
redis_call<redis_reply> plain_call(std::vector<std::string> words);

}  // namespace vultus::ctl
