// The life of a worker, from settings and models to its exit code. Shared by main, the worker of
// the nemesis and, in part, the null worker of the queue bench.
#pragma once

#include <string>

#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"
#include "workers/calibration/vision_models.hpp"
#include "workers/session/worker_link.hpp"

namespace vultus {

/// The session's part of a worker's settings.
worker_link_settings session_part(const worker_settings& all, std::string device,
                                  std::string build);

/// Waits for Redis, then serves until `stop` is requested or a broker drains it. Destruction order
/// is shutdown order: the session ends before the pipeline is destroyed.
/// requires  route_signals_here() was called by this thread, which made `stop`
/// returns   the exit code of the process; ends the process itself if a stage hangs
int serve(const worker_settings& settings, vision_models models, std::string device,
          std::string build, stop_signal& stop);

}  // namespace vultus
