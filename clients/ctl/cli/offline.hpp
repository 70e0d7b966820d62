// The commands of vultusctl that need no service: completion, and models fetch.
#pragma once

#include <optional>
#include <string>

#include "shared/base/result.hpp"

namespace CLI {
class App;
}

namespace vultus::ctl {

struct offline {
    std::optional<std::string> script;  ///< of completion
    bool fetches = false;
    std::string
        into;  ///< folder that gets the folder `models`; empty: config/fetch.py's own choice
    bool is_asked() const { return script || fetches; }
};

/// requires  app has the subcommand `models`, and a name
void describe_offline(CLI::App& app, offline& wanted);

/// Returns what is to be printed. To fetch, it becomes python3 with config/fetch.py, which lies
/// beside the programs: output and exit code are those of the script.
/// errors    not_found: no script, or no python3
/// requires  wanted.is_asked()
result<std::string> do_offline(const offline& wanted);

}  // namespace vultus::ctl
