// A settings file and an override, as each process reads them: the first line of the input is the
// value of --set, what follows is the file. What is accepted lies within its ranges.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/require.hpp"
#include "shared/config/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.find("password_file") != input.npos) return 0;  // opens any file of this machine
    const std::size_t line = std::min(input.find('\n'), size);
    const std::string_view text = input.substr(std::min(line + 1, size));

    static const int memory = memfd_create("settings", 0);
    VULTUS_REQUIRE(memory >= 0 && ftruncate(memory, 0) == 0, "a file in memory");
    VULTUS_REQUIRE(pwrite(memory, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
                   "a file in memory");
    const vultus::settings_source source{
        .file = "/proc/self/fd/" + std::to_string(memory),
        .overrides = line == 0 ? std::vector<std::string>{}
                               : std::vector<std::string>{std::string(input.substr(0, line))}};

    const auto api = vultus::read_api_settings(source);
    const auto worker = vultus::read_worker_settings(source);
    const auto broker = vultus::read_broker_settings(source);
    VULTUS_REQUIRE(api.has_value() == worker.has_value() && api.has_value() == broker.has_value(),
                   "each process reads the whole file");
    if (!api) return 0;
    VULTUS_REQUIRE(api->port >= 0 && api->port <= 65'535, "a port");
    VULTUS_REQUIRE(worker->distance_max >= 0 && worker->distance_max <= 2.0, "a distance");
    VULTUS_REQUIRE(broker->common.redis.password.size() <= 512, "a password");
    return 0;
}
