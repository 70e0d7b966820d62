// What a worker does before it serves: who it is, what it computes on, whether Redis keeps what it
// is given. Used by main and by the null worker of the queue bench.
#pragma once

#include <string>

#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

/// The device for the setting: `cpu` and `cuda:N` as they are; for `auto` cuda:0 if there is a GPU
/// that libvultus-cuda.so can use, else cpu, and the log says why.
/// errors    bad_option: a word that is none. A cuda:N that cannot be used is an error when its
///           models are loaded; never a silent fall-back to the CPU.
result<std::string> choose_device(const std::string& setting);

/// Waits until Redis answers, has our library, and has the durable settings. Says in the log what
/// is missing, each time that changes.
/// errors    draining: a stop was asked meanwhile; those of refuses_start(): waiting is no use
result<void> wait_for_store(const redis_address& address, const store_context& context,
                            stop_signal& stop);

/// Sends SIGINT and SIGTERM on to the calling thread, whichever thread the kernel chose for them.
/// OpenBLAS starts threads when the program is loaded, before stop_signal can block anything in
/// them; without this a SIGTERM that reaches one of those ends the worker with jobs in its hands.
/// requires  the calling thread made the stop_signal
void route_signals_here();

/// From now on a thread of this process that gets no memory ends the process with 70, wherever it
/// is: what a third party would make of a std::bad_alloc (a model that "cannot be read") is no
/// verdict, and the supervisor starts another worker.
void end_without_memory();

/// Cores that this process may use; the vision threads' default.
int usable_cores();

/// This machine's name, at most 32 characters, printable.
std::string host_name();

}  // namespace vultus
