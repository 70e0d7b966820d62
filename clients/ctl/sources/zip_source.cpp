// A zip file of NAME/PHOTO, by libzip. Nothing is extracted to disk: an entry is read into memory,
// up to the limit of a photo, and the person is the folder that it lies in.
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "clients/ctl/sources/photo_source.hpp"
#include "shared/base/limits.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t directory_bytes_max = 64 * limits::mib;  // libzip holds all of it
constexpr std::size_t entries_max = 200'000;
constexpr std::size_t name_bytes_max = 1'024;
constexpr const char* database_of_deepstack = "faceembedding.db";
constexpr std::uint32_t unix_type_mask = 0170000, unix_link = 0120000;

using archive = std::unique_ptr<zip_t, decltype(&::zip_discard)>;

/// The parts between slashes. Empty: the name could lead out of a folder, or to another one on
/// another system.
std::vector<std::string> parts_of(const std::string& name) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= name.size();) {
        const auto slash = std::min(name.find('/', from), name.size());
        parts.push_back(name.substr(from, slash - from));
        if (parts.back().empty() || parts.back() == "." || parts.back() == "..") return {};
        from = slash + 1;
    }
    if (name.find('\\') != std::string::npos) return {};
    return parts;
}

/// The size of the list of entries, which is at the end of the file.
/// errors    unsupported_media: no zip file; too_large
result<void> check_directory(const std::string& path) {
    constexpr std::streamoff tail_bytes = 22 + 65'535;  // the record and its comment
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::streamoff size = file.tellg();
    if (!file || size < 0) return fail(errc::not_found, path + ": cannot be read");
    std::string tail(static_cast<std::size_t>(std::min(size, tail_bytes)), '\0');
    file.seekg(size - static_cast<std::streamoff>(tail.size()));
    file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
    const auto at = tail.rfind("PK\x05\x06");
    if (!file || at == std::string::npos || tail.size() - at < 22) {
        return fail(errc::unsupported_media, path + " is no zip file, or is cut off");
    }
    std::size_t bytes = 0;
    for (const std::size_t i : {15U, 14U, 13U, 12U}) {
        bytes = bytes * 256 + static_cast<unsigned char>(tail[at + i]);
    }
    if (bytes <= directory_bytes_max) return {};
    return fail(errc::too_large, path + ": the list of its entries is larger than 64 MiB");
}

class zip_source : public photo_source {
 public:
    zip_source(archive opened, std::string path, std::uint64_t photos)
        : archive_(std::move(opened)),
          path_(std::move(path)),
          entries_(::zip_get_num_entries(archive_.get(), 0)),
          photos_(photos) {}

    result<std::optional<listed>> next() override {
        while (at_ < entries_) {
            const auto index = static_cast<zip_uint64_t>(at_++);
            auto found = entry(index);
            if (!found) continue;
            if (auto* photo = std::get_if<found_photo>(&*found)) {
                index_ = index;
                read_ = photo->path;
            }
            return found;
        }
        return std::optional<listed>();
    }

    /// requires  the photo is the last one of next(): names may repeat in a zip file
    result<std::string> read(const found_photo& photo) override {
        if (photo.path != read_) return fail(errc::internal, "read out of order");
        const std::unique_ptr<zip_file_t, decltype(&::zip_fclose)> file(
            ::zip_fopen_index(archive_.get(), index_, 0), &::zip_fclose);
        if (!file) return fail(errc::unsupported_media, text_of(::zip_get_error(archive_.get())));
        std::string bytes(limits::body_bytes + 1, '\0');
        std::size_t filled = 0;
        while (filled < bytes.size()) {  // the size that the file states is not believed
            const auto n = ::zip_fread(file.get(), bytes.data() + filled, bytes.size() - filled);
            if (n < 0) return fail(errc::malformed, text_of(::zip_file_get_error(file.get())));
            if (n == 0) break;
            filled += static_cast<std::size_t>(n);
        }
        bytes.resize(filled);
        if (bytes.empty()) return fail(errc::unsupported_media, "file is empty");
        if (bytes.size() > limits::body_bytes) {
            return fail(errc::too_large, "photo is larger than 10 MiB");
        }
        return bytes;
    }

    std::string name() const override { return path_; }
    std::uint64_t total() const override { return photos_; }

 private:
    static std::string text_of(zip_error_t* why) {
        return "entry of the zip file: " + std::string(::zip_error_strerror(why));
    }

    std::optional<listed> entry(zip_uint64_t index) const {
        zip_stat_t about;
        ::zip_stat_init(&about);
        if (::zip_stat_index(archive_.get(), index, 0, &about) != 0 || about.name == nullptr) {
            return skipped_path{"entry " + std::to_string(index), "has no readable name", true};
        }
        const std::string name(about.name);
        if (name.ends_with('/')) return std::nullopt;  // a folder
        if (name.size() > name_bytes_max) {
            return skipped_path{name.substr(0, 64) + "...", "name is too long", true};
        }
        const auto parts = parts_of(name);
        if (parts.empty()) return skipped_path{name, "unsafe path", true};
        zip_uint8_t system = 0;
        zip_uint32_t attributes = 0;
        const bool known =
            ::zip_file_get_external_attributes(archive_.get(), index, 0, &system, &attributes) == 0;
        if (known && system == ZIP_OPSYS_UNIX && (attributes >> 16 & unix_type_mask) == unix_link) {
            return skipped_path{name, "symbolic link", true};
        }
        if ((about.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 &&
            about.encryption_method != ZIP_EM_NONE) {
            return skipped_path{name, "encrypted", true};
        }
        for (const std::string& part : parts) {
            if (is_hidden(part)) return skipped_path{name, "hidden", false};
        }
        if (parts.size() > 3 && parts[0] == "models" && parts[1] == "vision") {
            return skipped_path{name, "a model of DeepStack", false};
        }
        if (parts.size() < 2) return skipped_path{name, "not in the folder of a person", false};
        return found_photo{name, parts[parts.size() - 2],
                           std::to_string(about.size) + ":" + std::to_string(about.crc)};
    }

    archive archive_;
    const std::string path_;
    const zip_int64_t entries_;
    const std::uint64_t photos_;
    zip_int64_t at_ = 0;
    zip_uint64_t index_ = 0;
    std::string read_;
};

}  // namespace

result<std::unique_ptr<photo_source>> open_zip(const source_request& asked) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(asked.place, ignored)) {
        return fail(errc::not_found, asked.place + ": no such file");
    }
    if (auto good = check_directory(asked.place); !good) return fail(good.error());
    int code = 0;
    archive opened(::zip_open(asked.place.c_str(), ZIP_RDONLY, &code), &::zip_discard);
    if (!opened) {
        zip_error_t why;
        ::zip_error_init_with_code(&why, code);
        const std::string text = ::zip_error_strerror(&why);
        ::zip_error_fini(&why);
        return fail(errc::unsupported_media, asked.place + ": " + text);
    }
    const auto entries = ::zip_get_num_entries(opened.get(), 0);
    if (entries > static_cast<zip_int64_t>(entries_max)) {
        return fail(errc::too_large, asked.place + " has more than 200,000 entries");
    }
    std::uint64_t photos = 0;
    bool database = false;
    for (zip_int64_t i = 0; i < entries; ++i) {
        const char* name = ::zip_get_name(opened.get(), static_cast<zip_uint64_t>(i), 0);
        const std::string text = name == nullptr ? "" : name;
        database = database || text == database_of_deepstack;
        if (text.find('/') != std::string::npos && !text.ends_with('/') &&
            !text.starts_with("models/")) {
            ++photos;
        }
    }
    if (database && photos == 0) {
        return fail(errc::unsupported_media,
                    asked.place +
                        ": a backup of DeepStack has no photos, only numbers of its own "
                        "network, which no other one can compare. Teach these people "
                        "from the photos that DeepStack was given");
    }
    return std::make_unique<zip_source>(std::move(opened), asked.place, photos);
}

}  // namespace vultus::ctl
