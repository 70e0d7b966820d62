// vultus-broker: arguments, settings, log, sockets, loop. Everything else is in server.cpp (what
// comes and goes) and core.cpp (what is decided).
#include <cstdio>

#include "broker/server.hpp"
#include "shared/descriptors.hpp"
#include "shared/log.hpp"
#include "shared/privileges.hpp"
#include "shared/settings.hpp"
#include "shared/stop_signal.hpp"

int main(int argc, char** argv) {
    using namespace vultus;
    constexpr int wrong_settings = 2, cannot_start = 1;

    const command_line line = parse_command_line(argc, argv, "vultus-broker");
    if (line.exit_code >= 0) return line.exit_code;

    const auto settings = read_broker_settings(line.source);
    if (!settings) {
        std::fprintf(stderr, "vultus-broker: %s\n", settings.error().detail.c_str());
        return wrong_settings;
    }
    forbid_new_privileges();
    raise_descriptor_limit();
    log::start("broker", settings->common.log_level);

    stop_signal stop;                // before ZeroMQ starts its thread
    zmq_context context;             // outlives the sockets; waits for what they still send
    auto server = broker::server::open(context, *settings);
    if (!server) {
        log::error("cannot_listen", {{"why", server.error().detail}});
        return server.error().code == errc::malformed ? wrong_settings : cannot_start;
    }
    return (*server)->run(stop);
}
