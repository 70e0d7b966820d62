// Runs another program of Vultus: vultus-worker, which links the networks that vultusctl does not,
// and config/fetch.py.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::ctl {

struct program_end {
    int code = -1;    ///< exit code; 128 + n after signal n
    std::string out;  ///< standard output; empty if it was not kept
};

/// Runs `words` to its end; its standard error is ours. `keep`: keep its standard output, else that
/// goes to our standard error.
/// errors    not_found: there is no such program
/// threads   blocks until it ends
result<program_end> run_to_end(const std::vector<std::string>& words, bool keep);

/// vultus-worker in the folder of this program.
/// errors    not_found: it is not there
result<std::string> worker_program();

/// config/fetch.py of the source tree or the installation that this program belongs to.
/// errors    not_found
result<std::string> fetch_program();

/// What `vultus-worker --check-models` says of one model, by its words.
using model_line = std::map<std::string, std::string, std::less<>>;
std::vector<model_line> model_lines(const std::string& text);
/// Its word `key`; empty if it has none.
std::string word_of(const model_line&, std::string_view key);

}  // namespace vultus::ctl
