// vultus-worker: settings, models, pipeline, session; then serve until told to stop. Destruction
// order is shutdown order: the session is over before the pipeline goes, and Redis comes last.
#include <cstdio>
#include <cstdlib>

#include "shared/log.hpp"
#include "shared/settings.hpp"
#include "shared/stop_signal.hpp"
#include "workers/pipeline.hpp"
#include "workers/session.hpp"
#include "workers/startup.hpp"
#include "workers/vision_models.hpp"

namespace {

using namespace vultus;

constexpr int exit_settings = 2, exit_models = 3;

int complain(int code, const error& why) {
    std::fprintf(stderr, "vultus-worker: %s: %s\n", std::string(name_of(why.code)).c_str(),
                 why.detail.c_str());
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    const command_line line = parse_command_line(argc, argv, "vultus-worker");
    if (line.exit_code >= 0) return line.exit_code;
    const auto settings = read_worker_settings(line.source);
    if (!settings) return complain(exit_settings, settings.error());
    log::start("worker", settings->common.log_level);
    const auto device = choose_device(settings->device);
    if (!device) return complain(exit_settings, device.error());
    use_one_blas_thread();

    stop_signal stop;  // before any thread, so that all of them leave the signals to it
    route_signals_here();
    auto models = load_vision_models(*settings);
    if (!models) {
        const bool setting = models.error().code == errc::bad_option;  // what this CPU cannot do
        return complain(setting ? exit_settings : exit_models, models.error());
    }

    const job_store store;
    if (!wait_for_store(settings->common.redis, store, stop)) return 0;

    session_settings talk;
    talk.redis = settings->common.redis;
    talk.brokers = settings->common.broker_worker_endpoints;
    talk.host = host_name();
    talk.device = *device;
    talk.build = VULTUS_VERSION;
    talk.window = 2 * static_cast<std::uint32_t>(settings->batch_max);
    talk.drain_timeout = settings->drain_timeout;
    const std::size_t room = (talk.window + talk.frame_window) * talk.brokers.size() + 8;

    progress stages;
    mailbox<session_mail> mail(4 * room + 1'024);
    pipeline work(pipeline_part(*settings, room), store, std::move(*models), mail, stages);
    session conversation(talk, store, work, mail, stages);
    const session_end end = conversation.run(&stop);
    if (end == session_end::stuck) std::_Exit(static_cast<int>(end));  // a hung thread never joins
    return static_cast<int>(end);
}
