// The C++ sources of the repository, for the tests of their style.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace vultus::testing {

namespace fs = std::filesystem;

inline const fs::path root = VULTUS_SOURCE_DIR;
constexpr std::array folders{"shared", "broker", "workers", "api", "clients", "tests"};

struct source_file {
    std::string name;  // from the root, with '/'
    std::vector<std::string> lines;
};

inline std::vector<source_file> sources() {
    std::vector<source_file> found;
    for (const char* folder : folders) {
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            const auto suffix = entry.path().extension();
            if (suffix != ".cpp" && suffix != ".hpp") continue;
            source_file file{fs::relative(entry.path(), root).generic_string(), {}};
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);) file.lines.push_back(line);
            found.push_back(std::move(file));
        }
    }
    return found;
}

}  // namespace vultus::testing
