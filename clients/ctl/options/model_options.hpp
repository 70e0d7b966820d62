// The commands about models on vultusctl's command line.
#pragma once

#include "clients/ctl/cli/arguments.hpp"

namespace CLI {
class App;
}

namespace vultus::ctl {

/// Adds `models` and `collections` to the program's commands; parsing fills `asked`.
void describe_models(CLI::App& app, arguments& asked);

}  // namespace vultus::ctl
