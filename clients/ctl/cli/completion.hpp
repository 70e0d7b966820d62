// Completion of vultusctl in bash and zsh, made from its own description, so that both always
// agree.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace vultus::ctl {

/// A script of functions for `source <(vultusctl completion SHELL)`.
/// requires  shell is "bash" or "zsh"; app has a name
/// returns   commands and options of each command; values of options that take only some; files
///           elsewhere
std::string completion(const CLI::App& app, const std::string& shell);

/// Adds the subcommand `completion`, which sets the script. Last, as it knows what was added
/// before.
void describe_completion(CLI::App& app, std::optional<std::string>& script);

}  // namespace vultus::ctl
