// What a worker does before it serves: its name, its device, the wait for a durable Redis. Used by
// main and by the null worker of the queue bench.
#pragma once

#include <string>

#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

/// The device for the setting: `cpu` and `cuda:N` as they are; for `auto` cuda:0 if there is a GPU
/// that libvultus-cuda.so can use, else cpu, and the log says why.
/// errors    bad_option: not one of these. A cuda:N that cannot be used is an error when its
///           models are loaded; never a silent fall-back to the CPU. For `auto` the CPU takes over
///           then (load_vision_models).
result<std::string> choose_device(const std::string& setting);

/// Waits until Redis answers and has our library and the durable settings. Logs what is missing,
/// each time that changes.
/// errors    draining: a stop was requested meanwhile; those of refuses_start(), as
///           waiting cannot help
result<void> wait_for_store(const redis_address& address, const store_context& context,
                            stop_signal& stop);

/// Forwards SIGINT and SIGTERM to the calling thread, whichever thread the kernel chose for them.
/// OpenBLAS starts threads when the program is loaded, before stop_signal can block signals in
/// them; otherwise a SIGTERM that reaches one of those would end the worker without a drain.
/// requires  the calling thread made the stop_signal
void route_signals_here();

/// From now on exhausted memory ends the process with 70, in any thread: a library would turn a
/// std::bad_alloc into a wrong verdict (a model that "cannot be read"). The supervisor starts
/// another worker.
void end_without_memory();

/// Cores that this process may use; the vision threads' default.
int usable_cores();

/// This machine's name, at most 32 characters, printable.
std::string host_name();

}  // namespace vultus
