// Whole files only.
#include "workers/engine/importers/file_bytes.hpp"

#include <fstream>

#include "workers/engine/importers/importers.hpp"

namespace vultus::importers {

result<std::string> file_bytes(const std::string& path) {
    std::ifstream stream(path, std::ios::binary | std::ios::ate);
    const auto size = stream ? static_cast<long>(stream.tellg()) : -1;
    if (size < 0) return fail(errc::not_found, path + " is missing or unreadable");
    if (static_cast<std::size_t>(size) > model_bytes_max) {
        return fail(errc::malformed, path + " is too long for a model");
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    stream.seekg(0);
    if (!stream.read(bytes.data(), size)) {
        return fail(errc::not_found, path + " is missing or unreadable");
    }
    return bytes;
}

std::optional<std::size_t> count_of(const std::vector<long>& dimensions) {
    std::size_t count = 1;
    bool none = false;
    for (const long one : dimensions) {
        if (one < 0) return std::nullopt;
        if (one == 0) {
            none = true;
            continue;
        }
        if (static_cast<std::size_t>(one) > model_bytes_max / count) return std::nullopt;
        count *= static_cast<std::size_t>(one);
    }
    return none ? 0 : count;
}

}  // namespace vultus::importers
