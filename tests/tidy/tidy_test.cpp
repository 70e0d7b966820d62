// The project's style, as far as a program can see it: includes point one way, a third-party
// library lives in the files named here, files are short and say what they are. STYLE rules are
// tests, not wishes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
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

// What stands between `open` and `close` in a line that begins with #include; g++ 12 warns falsely
// inside std::regex under AddressSanitizer, so the lines are read by hand.
std::optional<std::string> included(const std::string& line, char open, char close) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || line.compare(begin, 9, "#include ") != 0) return std::nullopt;
    if (line.size() < begin + 10 || line[begin + 9] != open) return std::nullopt;
    const auto end = line.find(close, begin + 10);
    if (end == std::string::npos) return std::nullopt;
    return line.substr(begin + 10, end - begin - 10);
}

// The first line of a function's body, as clang-format lays it out: `... name(...) const {`.
bool opens_function(std::string line) {
    if (line.empty() || std::isalpha(static_cast<unsigned char>(line[0])) == 0) return false;
    if (!line.ends_with(" {")) return false;
    line.resize(line.size() - 2);
    for (const std::string word : {" override", " noexcept", " const"}) {
        if (line.ends_with(word)) line.resize(line.size() - word.size());
    }
    return line.ends_with(")");
}

bool has_word(const std::string& line, const std::string& word) {
    const auto in_word = [&](std::size_t i) {
        return i < line.size() &&
               (std::isalnum(static_cast<unsigned char>(line[i])) != 0 || line[i] == '_');
    };
    for (auto at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
        if ((at == 0 || !in_word(at - 1)) && !in_word(at + word.size())) return true;
    }
    return false;
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
    {"sodium", {"shared/ids.cpp", "shared/secret.cpp", "workers/models.cpp"}},
    {"boost/beast",
     {"api/http_", "shared/net/", "clients/camera/live_link.cpp", "clients/lfw/service.cpp"}},
    {"boost/asio/ssl",
     {"shared/net/", "api/tls", "clients/net/trust.cpp", "clients/lfw/service.cpp"}},
    {"openssl/", {"api/tls.cpp", "clients/net/trust.cpp"}},
    {"boost/json",
     {"api/json", "shared/json_bounds.cpp", "workers/results.cpp", "clients/ctl/json",
      "clients/camera/json", "clients/lfw/service_answer.cpp"}},
    {"opencv2/", {"workers/image_draw.cpp", "workers/resize.cpp", "clients/camera/"}},
    {"dlib/", {"workers/"}},
    {"cuda", {"workers/engine/cuda/"}},
    {"cudnn", {"workers/engine/cuda/"}},
    {"oneapi/", {"workers/engine/onednn.cpp"}},
    {"dnnl", {"workers/engine/onednn.cpp"}},
    {"jpeglib", {"workers/image"}},
    {"png.h", {"workers/image"}},
    {"webp/", {"workers/image"}},
    {"libheif/", {"workers/image"}},
    {"pango/", {"workers/text_draw.cpp"}},
    {"utf8proc", {"shared/label.cpp", "clients/ctl/name_forms.cpp"}},
};

TEST(tidy, finds_the_sources) { EXPECT_GT(sources().size(), 80u); }

TEST(tidy, includes_point_one_way) {
    for (const auto& file : sources()) {
        const auto from = folder_of(file.name);
        if (from == "tests") continue;
        for (const auto& line : file.lines) {
            const auto name = included(line, '"', '"');
            if (!name || name->find('/') == std::string::npos) continue;
            const auto to = folder_of(*name);
            // vultus-lfw runs the worker's own vision, in its process.
            const bool measured = file.name.starts_with("clients/lfw/") && to == "workers";
            EXPECT_TRUE(to == from || to == "shared" || measured) << file.name << ": " << line;
        }
    }
}

TEST(tidy, a_library_has_one_home) {
    for (const auto& file : sources()) {
        if (folder_of(file.name) == "tests") continue;
        for (const auto& line : file.lines) {
            const auto name = included(line, '<', '>');
            if (!name) continue;
            for (const auto& [library, files] : homes) {
                if (!name->starts_with(library)) continue;
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
    // Four sources and the two headers that they share.
    EXPECT_LE(users.size(), 6u) << "each costs most of a minute to compile";
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
            EXPECT_LE(columns, 100) << file.name << ":" << i + 1;
            EXPECT_EQ(line.find('\t'), std::string::npos) << file.name << ":" << i + 1;
        }
    }
}

TEST(tidy, functions_are_short) {
    for (const auto& file : sources()) {
        std::size_t begin = 0;
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            if (opens_function(file.lines[i])) begin = i;
            if (file.lines[i] == "}" && begin != 0) {
                EXPECT_LE(i - begin, 70u) << file.name << ":" << begin + 1;
                begin = 0;
            }
        }
    }
}

TEST(tidy, nothing_is_left_for_later) {
    const std::array<std::string, 4> marks{"TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"};
    for (const auto& file : sources()) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            for (const auto& mark : marks) {
                EXPECT_FALSE(has_word(file.lines[i], mark)) << file.name << ":" << i + 1;
            }
        }
    }
}

}  // namespace
