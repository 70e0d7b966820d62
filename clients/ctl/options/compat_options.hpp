// The commands about the calls of other services (docs/compat.md) on vultusctl's command line.
#pragma once

#include "clients/ctl/cli/arguments.hpp"

namespace CLI {
class App;
}

namespace vultus::ctl {

/// Adds `compat` to the program's commands; parsing fills `asked`.
void describe_compat(CLI::App& app, arguments& asked);

}  // namespace vultus::ctl
