// vultus-api: HTTP in, jobs out. This file is the map: settings, then the parts from general to
// specific, then the loop until a signal, then the way down in the opposite order.
#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "api/compat/surfaces.hpp"
#include "api/handlers/application.hpp"
#include "api/services/announce.hpp"
#include "shared/base/descriptors.hpp"
#include "shared/base/log.hpp"
#include "shared/base/privileges.hpp"
#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"

namespace {

namespace api = vultus::api;
namespace asio = boost::asio;

/// Drains at the first signal, and goes on listening: the second ends the process
/// (stop_signal.hpp).
asio::awaitable<void> watch(asio::posix::stream_descriptor& signals, asio::signal_set& renewed,
                            vultus::stop_signal& stop, api::application& app) {
    boost::system::error_code bad;
    bool draining = false;
    while (!bad) {
        co_await signals.async_wait(asio::posix::stream_descriptor::wait_read,
                                    asio::redirect_error(asio::use_awaitable, bad));
        if (bad || !stop.asked() || draining) continue;
        draining = true;
        asio::co_spawn(
            signals.get_executor(), [&app]() { return app.drain(); },
            [&signals, &renewed](std::exception_ptr) {
                signals.close();
                renewed.cancel();
            });
    }
}

/// SIGHUP: the certificate was renewed.
asio::awaitable<void> watch_renewals(asio::signal_set& renewed, api::application& app) {
    for (;;) {
        boost::system::error_code bad;
        co_await renewed.async_wait(asio::redirect_error(asio::use_awaitable, bad));
        if (bad) co_return;
        app.reload_certificate();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const auto line = vultus::parse_command_line(argc, argv, "vultus-api");
    if (line.exit_code >= 0) return line.exit_code;
    const auto settings = vultus::read_api_settings(line.source);
    if (!settings) {
        std::fprintf(stderr, "vultus-api: %s\n", settings.error().detail.c_str());
        return 2;
    }
    vultus::forbid_new_privileges();
    vultus::keep_files_private();
    vultus::outlive_terminal();
    vultus::raise_descriptor_limit();
    vultus::stop_signal stop;
    vultus::log::start("api", settings->common.log_level);
    vultus::zmq_context zmq;
    asio::io_context io(1);
    int exit_code = 0;
    const auto refused = [&exit_code](const vultus::error& why) {
        std::fprintf(stderr, "vultus-api: %s\n", why.detail.c_str());
        exit_code = 2;
        std::raise(SIGTERM);  // the usual way down
    };
    auto app = api::application::start(io, zmq, *settings, {}, refused, api::compat::calls());
    if (!app) {
        std::fprintf(stderr, "vultus-api: %s\n", app.error().detail.c_str());
        return 2;
    }
    const char* file = std::getenv("VULTUS_ADDRESS_FILE");
    const auto url = api::own_url(*settings, (*app)->port());
    if (auto good = api::announce_address(file == nullptr ? "" : file, url); !good) {
        refused(good.error());
    }
    asio::posix::stream_descriptor signals(io, ::dup(stop.fd()));
    asio::signal_set renewed(io);
    asio::co_spawn(io, watch(signals, renewed, stop, **app), asio::detached);
    if (!settings->tls_certificate.empty()) {
        renewed.add(SIGHUP);
        asio::co_spawn(io, watch_renewals(renewed, **app), asio::detached);
    }
    (*app)->run();
    vultus::log::info("stopped");
    return exit_code;
}
