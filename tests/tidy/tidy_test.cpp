// The style rules that a program can check: includes point one way, a third-party library is used
// only in the files listed here, files are short and begin with a description.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tidy/sources_support.hpp"

namespace vultus::testing {
namespace {

std::string folder_of(const std::string& name) {
    return name.substr(0, name.find('/'));
}

bool starts_with_one_of(const std::string& text, const std::vector<std::string>& starts) {
    return std::any_of(starts.begin(), starts.end(),
                       [&](const std::string& start) { return text.rfind(start, 0) == 0; });
}

// The text between `open` and `close` in a line that begins with #include. Parsed by hand because
// g++ 12 gives false warnings inside std::regex under AddressSanitizer.
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
    {"zmq", {"shared/net/zmq_socket.cpp"}},
    {"hiredis/", {"shared/store/redis_client.cpp"}},
    {"msgpack", {"shared/net/protocol"}},
    {"toml++/", {"shared/config/settings"}},
    {"CLI/", {"shared/config/command_line.cpp", "clients/"}},
    {"spdlog/", {"shared/base/log.cpp"}},
    {"prometheus/", {"shared/base/metrics.cpp"}},
    {"sodium",
     {"shared/base/ids.cpp", "shared/model/page_token.cpp", "shared/security/secret.cpp",
      "workers/engine/models.cpp"}},
    {"boost/beast",
     {"api/http/body.hpp", "api/http/connection", "api/http/response_head.cpp", "api/http/server.",
      "api/http/websocket.", "shared/tls/", "clients/camera/live_link.cpp",
      "clients/lfw/service.cpp"}},
    {"boost/asio/ssl",
     {"shared/tls/", "api/http/tls", "clients/net/trust.cpp", "clients/lfw/service.cpp"}},
    {"openssl/", {"api/http/tls.cpp", "clients/net/trust.cpp"}},
    {"curl/", {"api/fetcher/transfer.cpp", "clients/ctl/sources/http_reader.cpp"}},
    {"zip.h", {"clients/ctl/sources/zip_source.cpp"}},
    {"boost/json",
     {"api/http/json", "api/compat/common/json", "api/live/json", "api/jobs/person_view.cpp",
      "shared/base/json_bounds.cpp", "workers/pipeline/results.cpp", "clients/ctl/output/json",
      "clients/camera/json", "clients/lfw/service_answer.cpp"}},
    {"opencv2/",
     {"workers/geometry/opencv_view.hpp", "workers/geometry/resize.cpp",
      "workers/vision/image_draw.cpp", "clients/camera/"}},
    {"dlib/", {"workers/engine/", "workers/vision/"}},
    {"cuda", {"workers/engine/cuda/"}},
    {"cudnn", {"workers/engine/cuda/"}},
    {"oneapi/", {"workers/engine/onednn/convolution.cpp"}},
    {"dnnl", {"workers/engine/onednn/convolution.cpp"}},
    {"onnx/", {"workers/engine/importers/onnx"}},
    {"google/", {"workers/engine/importers/onnx"}},
    {"pugixml", {"workers/engine/importers/openvino.cpp"}},
    {"jpeglib", {"workers/image/"}},
    {"png.h", {"workers/image/"}},
    {"webp/", {"workers/image/"}},
    {"libheif/", {"workers/image/"}},
    {"pango/", {"workers/vision/text_draw.cpp"}},
    {"utf8proc", {"shared/model/label.cpp", "clients/ctl/privacy/name_forms.cpp"}},
};

std::string text_of(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

using folder_set = std::set<std::string>;

/// The libraries as CMake has them: folder -> the folders of all that it links, itself included.
/// Fails where one links what is declared after it.
std::map<std::string, folder_set> libraries() {
    std::map<std::string, folder_set> reach;          // by folder
    std::map<std::string, folder_set> reach_by_name;  // by CMake's name
    for (const char* part : {"shared", "broker", "workers", "api", "clients/net", "clients/ctl",
                             "clients/lfw", "clients/camera"}) {
        const std::string text = text_of(root / part / "CMakeLists.txt");
        const auto read = [&](const std::string& call, bool is_library) {
            for (auto at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
                const auto begin = at + call.size();
                const auto words = words_of(text.substr(begin, text.find(')', begin) - begin));
                const std::string folder = is_library ? words.at(0) : "";
                std::string name = is_library ? "vultus_" + folder : "vultus_shared";
                std::replace(name.begin(), name.end(), '/', '_');
                folder_set& all = reach_by_name[name];
                if (is_library) all.insert(folder);
                for (const auto& word : words) {
                    if (!word.starts_with("vultus_")) continue;
                    const auto found = reach_by_name.find(word);
                    EXPECT_NE(found, reach_by_name.end()) << name << " links up, to " << word;
                    if (found != reach_by_name.end()) {
                        all.insert(found->second.begin(), found->second.end());
                    }
                }
                if (is_library) reach[folder] = all;
            }
        };
        read("vultus_library(", true);
        read("target_link_libraries(vultus_shared INTERFACE", false);
    }
    return reach;
}

TEST(tidy, finds_the_sources) {
    EXPECT_GT(sources().size(), 80u);
}

// A file includes what its folder's library links, and nothing else of ours.
TEST(tidy, includes_point_one_way) {
    const auto linked = libraries();
    ASSERT_GT(linked.size(), 25u);
    const auto library_of = [&](std::string name) {
        do name.resize(name.rfind('/'));
        while (!linked.contains(name) && name.find('/') != std::string::npos);
        return name;
    };
    for (const auto& file : sources()) {
        if (folder_of(file.name) == "tests") continue;
        const auto from = library_of(file.name);
        for (const auto& line : file.lines) {
            const auto name = included(line, '"', '"');
            if (!name || name->find('/') == std::string::npos) continue;
            const auto to = library_of(*name);
            // A program's main() may use each library of the program.
            const bool own = !linked.contains(from) && folder_of(*name) == from;
            const bool below = linked.contains(from) ? linked.at(from).contains(to)
                                                     : own || folder_of(*name) == "shared";
            EXPECT_TRUE(below) << file.name << ": " << line;
        }
    }
}

// A file and its header count once.
TEST(tidy, no_folder_is_crowded) {
    const std::set<std::string> kinds{".cpp", ".hpp", ".cu", ".c", ".py", ".js", ".lua"};
    std::map<std::string, folder_set> inside;
    for (const char* folder :
         {"shared", "broker", "workers", "api", "clients", "config", "tests"}) {
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            const fs::path path = fs::relative(entry.path(), root);
            if (!kinds.contains(path.extension().string())) continue;
            inside[path.parent_path().generic_string()].insert(path.stem().string());
        }
    }
    for (const auto& [folder, names] : inside) EXPECT_LE(names.size(), 25u) << folder;
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

/// The line without its string literals and its comment.
std::string code_of(const std::string& line) {
    std::string code;
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quote != 0) {
            if (line[i] == '\\')
                ++i;
            else if (line[i] == quote)
                quote = 0;
        } else if (line[i] == '"') {
            quote = '"';
        } else if (line.compare(i, 2, "//") == 0) {
            break;
        } else {
            code += line[i];
        }
    }
    return code;
}

/// The identifiers in a line of code, and the words that '_' separates in them.
std::set<std::string> names_in(const std::string& code) {
    std::set<std::string> found;
    std::string name, word;
    for (const char c : code + " ") {
        const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (letter) {
            word += c;
        } else {
            found.insert(word);
            word.clear();
        }
        if (letter || c == '_') {
            name += c;
        } else {
            found.insert(name);
            name.clear();
        }
    }
    return found;
}

// Names that were replaced by the term of the field. What is stored, sent or scraped keeps its
// spelling: those are string literals, which are not looked at.
TEST(tidy, old_names_are_gone) {
    const std::set<std::string> old{"card",         "cards",        "processor",     "processors",
                                    "coarse",       "recognise",    "recognised",    "doorkeeper",
                                    "gatekeeper",   "session_book", "login_desk",    "seen_notes",
                                    "jobs_in_hand", "gallery_news", "lane_queue",    "one_shot",
                                    "broker_link",  "live_session", "live_sessions", "door",
                                    "may_be_told"};
    for (const auto& file : sources()) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            for (const auto& name : names_in(code_of(file.lines[i]))) {
                EXPECT_FALSE(old.contains(name)) << file.name << ":" << i + 1 << ": " << name;
            }
        }
    }
}

TEST(tidy, nothing_is_left_for_later) {
    const std::array<std::string, 4> marks{
        "TO"
        "DO",
        "FIX"
        "ME",
        "XX"
        "X",
        "HA"
        "CK"};
    for (const auto& file : sources()) {
        for (std::size_t i = 0; i < file.lines.size(); ++i) {
            for (const auto& mark : marks) {
                EXPECT_FALSE(has_word(file.lines[i], mark)) << file.name << ":" << i + 1;
            }
        }
    }
}

}  // namespace
}  // namespace vultus::testing
