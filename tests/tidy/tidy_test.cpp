// The project's style, as far as a program can see it: includes point one way, a third-party library lives
// in the files named here, files are short and say what they are. STYLE rules are tests, not wishes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path root = VULTUS_SOURCE_DIR;
constexpr std::array folders{"shared", "broker", "workers", "api", "clients", "tests"};

struct source_file {
    std::string name;  // from the root, with '/'
    std::vector<std::string> lines;
};

std::vector<source_file> sources() {
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

std::string folder_of(const std::string& name) { return name.substr(0, name.find('/')); }

bool starts_with_one_of(const std::string& text, const std::vector<std::string>& starts) {
    return std::any_of(starts.begin(), starts.end(),
                       [&](const std::string& start) { return text.rfind(start, 0) == 0; });
}

// Which product files may include what: the part of the include before the first match decides.
const std::map<std::string, std::vector<std::string>> homes{
    {"zmq", {"shared/zmq_socket.cpp"}},
    {"hiredis/", {"shared/redis_client.cpp"}},
    {"msgpack", {"shared/protocol"}},
    {"toml++/", {"shared/settings"}},
    {"CLI/", {"shared/command_line.cpp", "clients/"}},
    {"spdlog/", {"shared/log.cpp"}},
    {"prometheus/", {"shared/metrics.cpp"}},
    {"sodium", {"shared/ids.cpp", "workers/models.cpp"}},
    {"boost/beast", {"api/http_"}},
    {"boost/json", {"api/json", "workers/json", "clients/ctl/json"}},
    {"opencv2/", {"workers/image"}},
    {"dlib/", {"workers/"}},
    {"jpeglib", {"workers/image"}},
    {"png.h", {"workers/image"}},
    {"webp/", {"workers/image"}},
};

TEST(tidy, finds_the_sources) { EXPECT_GT(sources().size(), 80u); }

TEST(tidy, includes_point_one_way) {
    const std::regex own_include(R"(^\s*#include "([a-z_]+)/)");
    for (const auto& file : sources()) {
        const auto from = folder_of(file.name);
        if (from == "tests") continue;
        for (const auto& line : file.lines) {
            std::smatch match;
            if (!std::regex_search(line, match, own_include)) continue;
            EXPECT_TRUE(match[1] == from || match[1] == "shared") << file.name << ": " << line;
        }
    }
}

TEST(tidy, a_library_has_one_home) {
    const std::regex library_include(R"(^\s*#include <([^>]+)>)");
    for (const auto& file : sources()) {
        if (folder_of(file.name) == "tests") continue;
        for (const auto& line : file.lines) {
            std::smatch match;
            if (!std::regex_search(line, match, library_include)) continue;
            for (const auto& [library, files] : homes) {
                if (match[1].str().rfind(library, 0) != 0) continue;
                EXPECT_TRUE(starts_with_one_of(file.name, files)) << file.name << ": " << line;
            }
        }
    }
}

TEST(tidy, dlib_lives_in_few_files) {
    std::set<std::string> users;
    for (const auto& file : sources()) {
        if (folder_of(file.name) == "tests") continue;
        for (const auto& line : file.lines) {
            if (line.find("#include <dlib/") != std::string::npos) users.insert(file.name);
        }
    }
    EXPECT_GE(users.size(), 1u);
    EXPECT_LE(users.size(), 4u) << "each costs most of a minute to compile";
}

TEST(tidy, a_file_says_what_it_is) {
    for (const auto& file : sources()) {
        ASSERT_FALSE(file.lines.empty()) << file.name;
        if (folder_of(file.name) == "tests" || file.name.ends_with(".hpp")) {
            EXPECT_TRUE(file.lines[0].rfind("//", 0) == 0) << file.name << " opens without a word";
        }
    }
}

TEST(tidy, headers_are_guarded) {
    for (const auto& file : sources()) {
        if (!file.name.ends_with(".hpp")) continue;
        EXPECT_EQ(std::count(file.lines.begin(), file.lines.end(), "#pragma once"), 1) << file.name;
    }
}

TEST(tidy, files_and_lines_are_short) {
    for (const auto& file : sources()) {
        EXPECT_LE(file.lines.size(), 400u) << file.name;
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            const auto& line = file.lines[i];
            const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
                return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
            });
            EXPECT_LE(columns, 110) << file.name << ":" << i + 1;
            EXPECT_EQ(line.find('\t'), std::string::npos) << file.name << ":" << i + 1;
        }
    }
}

TEST(tidy, functions_are_short) {
    const std::regex opens(R"(^[A-Za-z].*[)]( const| noexcept| override)* \{$)");
    for (const auto& file : sources()) {
        std::size_t begin = 0;
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (std::regex_match(file.lines[i], opens)) begin = i;
            if (file.lines[i] == "}" && begin != 0) {
                EXPECT_LE(i - begin, 70u) << file.name << ":" << begin + 1;
                begin = 0;
            }
        }
    }
}

TEST(tidy, nothing_is_left_for_later) {
    const std::regex marks("\\b(TO" "DO|FIX" "ME|XX" "X|HA" "CK)\\b");
    for (const auto& file : sources()) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            EXPECT_FALSE(std::regex_search(file.lines[i], marks)) << file.name << ":" << i + 1;
        }
    }
}

}  // namespace
