// vultus-worker: settings, models; then serve until told to stop.
#include <cstdio>
#include <string>
#include <utility>

#include "shared/base/descriptors.hpp"
#include "shared/base/log.hpp"
#include "shared/base/privileges.hpp"
#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"
#include "workers/calibration/calibration.hpp"
#include "workers/calibration/model_check.hpp"
#include "workers/calibration/own_models.hpp"
#include "workers/calibration/vision_models.hpp"
#include "workers/pipeline/startup.hpp"
#include "workers/session/serve.hpp"

namespace {

using namespace vultus;

constexpr int exit_settings = 2, exit_models = 3, exit_broken = 70;

int complain(int code, const error& why) {
    std::fprintf(stderr, "vultus-worker: %s: %s\n", std::string(name_of(why.code)).c_str(),
                 why.detail.c_str());
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    if (const auto checked = model_check_command(argc, argv)) return *checked;
    const command_line line = parse_command_line(argc, argv, "vultus-worker");
    if (line.exit_code >= 0) return line.exit_code;
    const auto settings = read_worker_settings(line.source);
    if (!settings) return complain(exit_settings, settings.error());
    forbid_new_privileges();
    keep_files_private();
    outlive_terminal();
    end_without_memory();
    raise_descriptor_limit();
    log::start("worker", settings->common.log_level);
    const auto device = choose_device(settings->device);
    if (!device) return complain(exit_settings, device.error());
    auto thresholds = load_thresholds(*settings);
    if (!thresholds) return complain(exit_settings, thresholds.error());
    add_own_distances(*thresholds, settings->models);
    use_one_blas_thread();

    stop_signal stop;  // before any thread, so that all of them leave the signals to it
    route_signals_here();
    auto models = load_vision_models(*settings, *device);
    if (!models) {
        const errc why = models.error().code;
        if (why == errc::device_fault) return complain(exit_broken, models.error());
        // bad_option: what this CPU or GPU cannot do
        return complain(why == errc::bad_option ? exit_settings : exit_models, models.error());
    }
    set_thresholds(*models, std::move(*thresholds));
    const std::string runs_on = models->device;
    return serve(*settings, std::move(*models), runs_on, VULTUS_VERSION, stop);
}
