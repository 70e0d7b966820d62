// See effective_settings.hpp. print_settings() is in settings.cpp.
#include "shared/effective_settings.hpp"

#include <array>
#include <cstdio>

namespace vultus {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) {
            out += c;
            continue;
        }
        std::array<char, 8> escape{};
        std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned char>(c));
        out += escape.data();
    }
    return out + '"';
}

/// The place of a value: its section and its key.
std::string& place(std::map<std::string, std::map<std::string, std::string>>& sections,
                   const std::string& name) {
    const std::size_t dot = name.find('.');
    return sections[name.substr(0, dot)][name.substr(dot + 1)];
}

}  // namespace

void effective_settings::set(const std::string& name, const std::string& text) {
    place(sections_, name) = quoted(text);
}

void effective_settings::set(const std::string& name, const std::vector<std::string>& texts) {
    std::string list;
    for (const auto& one : texts) list += (list.empty() ? "" : ", ") + quoted(one);
    place(sections_, name) = "[" + list + "]";
}

void effective_settings::set(const std::string& name, bool value) {
    place(sections_, name) = value ? "true" : "false";
}

void effective_settings::set(const std::string& name, std::int64_t value) {
    place(sections_, name) = std::to_string(value);
}

void effective_settings::set(const std::string& name, double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.15g", value);
    place(sections_, name) = text.data();
}

std::string effective_settings::json() const {
    std::string out = "{";
    for (const auto& [section, keys] : sections_) {
        out += (out == "{" ? "\n  " : ",\n  ") + quoted(section) + ": {";
        bool first = true;
        for (const auto& [key, value] : keys) {
            out += (first ? "\n    " : ",\n    ") + quoted(key) + ": " + value;
            first = false;
        }
        out += "\n  }";
    }
    return out + "\n}";
}

}  // namespace vultus
