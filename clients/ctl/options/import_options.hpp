// `import` on vultusctl's command line.
#pragma once

#include "clients/ctl/cli/arguments.hpp"

namespace CLI {
class App;
}

namespace vultus::ctl {

/// Adds `import` to the program's commands, and returns it; parsing fills `asked`.
CLI::App* describe_import(CLI::App& app, arguments& asked);

}  // namespace vultus::ctl
