// Where `vultusctl import` reads people and photos: folders, a CSV file, a zip file, or a running
// CompreFace. A source lists its photos one by one and reads one at a time, so memory does not grow
// with their bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "clients/ctl/sources/photo_folders.hpp"
#include "shared/base/result.hpp"

namespace vultus::ctl {

/// The words of --from; `folder` is the default.
constexpr const char* import_sources[] = {"folder", "double-take", "frigate",   "deepface",
                                          "csv",    "zip",         "deepstack", "compreface"};

/// Photos of one import at most: each costs some 500 bytes of memory until the report.
constexpr std::size_t photos_max = 1'000'000;

using listed = std::variant<found_photo, skipped_path>;

/// threads   one owner
class photo_source {
 public:
    photo_source() = default;
    photo_source(const photo_source&) = delete;
    photo_source& operator=(const photo_source&) = delete;
    virtual ~photo_source() = default;

    /// The next photo or path; nothing: the end.
    /// errors    the rest cannot be listed
    virtual result<std::optional<listed>> next() = 0;

    /// The bytes, at most limits::body_bytes.
    /// errors    fetch_failed: the source is unreachable, so no other photo can be read either ·
    ///           anything else is about this photo
    virtual result<std::string> read(const found_photo& photo) = 0;

    virtual std::string name() const = 0;             ///< for the report: without a key
    virtual std::uint64_t total() const = 0;          ///< as far as it is known; 0: not
    virtual bool is_remote() const { return false; }  ///< listing the rest costs requests
};

struct source_request {
    std::string from = "folder";  ///< one of import_sources
    std::string place;            ///< folder, file or URL
    std::string key_file;         ///< compreface: a private file with the key
    std::string authorities;      ///< compreface: PEM file; empty: the system's
    std::function<bool()> stopped{};
};

/// errors    not_found: no such folder or file · malformed, unsupported_media: it is not what was
///           named · too_large · fetch_failed: the server cannot be used
result<std::unique_ptr<photo_source>> open_source(const source_request& asked);

/// A file of this machine, at most limits::body_bytes of it.
/// errors    not_found, too_large; unsupported_media: it is empty
result<std::string> read_photo(const std::string& path);

/// Size and time of a file, by which a journal recognizes it; empty if there is none.
std::string file_version(const std::string& path);

// One for each kind; open_source() is what others call.
result<std::unique_ptr<photo_source>> open_folder(const source_request& asked);
result<std::unique_ptr<photo_source>> open_csv(const source_request& asked);
result<std::unique_ptr<photo_source>> open_zip(const source_request& asked);
result<std::unique_ptr<photo_source>> open_compreface(const source_request& asked);

}  // namespace vultus::ctl
