// See photo_source.hpp.
#include "clients/ctl/sources/photo_source.hpp"

#include <filesystem>
#include <fstream>

#include "shared/base/limits.hpp"

namespace vultus::ctl {

result<std::unique_ptr<photo_source>> open_source(const source_request& asked) {
    if (asked.from == "compreface") return open_compreface(asked);
    if (asked.from == "csv") return open_csv(asked);
    if (asked.from == "zip" || asked.from == "deepstack") return open_zip(asked);
    return open_folder(asked);
}

result<std::string> read_photo(const std::string& path) {
    std::error_code why;
    if (!std::filesystem::is_regular_file(path, why)) {  // opening a FIFO would block
        return fail(errc::not_found, "no such file");
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(errc::not_found, "file cannot be read");
    std::string bytes(limits::body_bytes + 1, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad()) return fail(errc::not_found, "file cannot be read");
    if (bytes.empty()) return fail(errc::unsupported_media, "file is empty");
    if (bytes.size() > limits::body_bytes) {
        return fail(errc::too_large, "photo is larger than 10 MiB");
    }
    return bytes;
}

std::string file_version(const std::string& path) {
    std::error_code why;
    const auto size = std::filesystem::file_size(path, why);
    if (why) return {};
    const auto time = std::filesystem::last_write_time(path, why);
    if (why) return {};
    return std::to_string(size) + ":" + std::to_string(time.time_since_epoch().count());
}

}  // namespace vultus::ctl
