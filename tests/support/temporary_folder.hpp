// A folder of a test's own.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "shared/base/require.hpp"

namespace vultus {

/// A new folder below the system's temporary one, removed at the end with all in it.
class temporary_folder {
 public:
    temporary_folder() : path_(std::filesystem::temp_directory_path() / "vultus-test-XXXXXX") {
        VULTUS_REQUIRE(mkdtemp(path_.data()) != nullptr, "a temporary folder can be made");
    }
    ~temporary_folder() {
        // A Redis that rewrites its append-only file leaves a child that writes on for a moment.
        std::error_code failed;
        for (int tries = 0; tries < 1'000 && std::filesystem::exists(path_, failed); ++tries) {
            std::filesystem::remove_all(path_, failed);
        }
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    const std::string& path() const noexcept { return path_; }

 private:
    std::string path_;
};

}  // namespace vultus
