// vultus-broker: arguments, settings, log, sockets, loop. Input and output are in server.cpp, the
// decisions in core.cpp.
#include <cstdio>

#include "broker/server.hpp"
#include "shared/base/descriptors.hpp"
#include "shared/base/log.hpp"
#include "shared/base/privileges.hpp"
#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"

int main(int argc, char** argv) {
    using namespace vultus;
    constexpr int cannot_start = 2;

    const command_line line = parse_command_line(argc, argv, "vultus-broker");
    if (line.exit_code >= 0) return line.exit_code;

    const auto settings = read_broker_settings(line.source);
    if (!settings) {
        std::fprintf(stderr, "vultus-broker: %s\n", settings.error().detail.c_str());
        return cannot_start;
    }
    forbid_new_privileges();
    keep_files_private();
    outlive_terminal();
    raise_descriptor_limit();
    log::start("broker", settings->common.log_level);

    stop_signal stop;     // before ZeroMQ starts its thread
    zmq_context context;  // outlives the sockets; waits for what they still send
    auto server = broker::server::open(context, *settings);
    if (!server) {
        std::fprintf(stderr, "vultus-broker: cannot listen: %s\n", server.error().detail.c_str());
        return cannot_start;
    }
    return (*server)->run(stop);
}
