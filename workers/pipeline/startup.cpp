#include "workers/pipeline/startup.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <new>
#include <string_view>

#include "shared/base/log.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/store_setup.hpp"
#include "workers/engine/cuda/loader.hpp"

namespace vultus {
namespace {

pthread_t signal_thread;

void send_on(int number) {
    pthread_kill(signal_thread, number);
}  // blocked there: waits for signalfd

}  // namespace

void route_signals_here() {
    signal_thread = pthread_self();
    struct sigaction action {};
    action.sa_handler = send_on;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

void end_without_memory() {
    std::set_new_handler([] {
        constexpr std::string_view said = "vultus-worker: out_of_memory\n";  // the log needs memory
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, said.data(), said.size());
        std::_Exit(70);
    });
}

result<std::string> choose_device(const std::string& setting) {
    if (setting == "cpu" || setting.starts_with("cuda:")) return setting;
    if (setting == "auto") {
        const auto calls = cuda::load_table(cuda::library_file());
        int gpus = 0;
        if (calls && (*calls)->device_count((*calls)->self, &gpus) == 0 && gpus > 0) {
            log::info("device_chosen", {{"device", "cuda:0"}, {"cards", gpus}});
            return std::string("cuda:0");
        }
        const std::string why = calls ? "no GPU" : calls.error().detail;
        log::info("device_chosen", {{"device", "cpu"}, {"why", why}});
        return std::string("cpu");
    }
    return fail(errc::bad_option, "device must be auto, cpu or cuda:N");
}

result<void> wait_for_store(const redis_address& address, const store_context& context,
                            stop_signal& stop) {
    redis_blocking redis(address);
    std::string said;
    while (!stop.asked()) {
        const auto ready = prepare_store(redis, context);
        if (ready || refuses_start(ready.error().code)) return ready;
        const error& why = ready.error();
        const std::string now_said = std::string(name_of(why.code)) + ": " + why.detail;
        if (now_said != said) log::error("redis_not_ready", {{"why", now_said}});
        said = now_said;
        std::array<poll_item, 1> items;
        items[0].fd = stop.fd();
        poll(items, std::chrono::milliseconds(250));
    }
    return fail(errc::draining, "stopped before Redis was ready");
}

int usable_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return std::max(1, CPU_COUNT(&set));
}

std::string host_name() {
    constexpr std::size_t longest = 32;
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "host";
    std::string text(name.data());
    for (char& c : text) {
        const bool plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain) c = '-';
    }
    text.resize(std::min(text.size(), longest));
    return text.empty() ? "host" : text;
}

}  // namespace vultus
