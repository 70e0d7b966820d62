// See effective_settings.hpp. print_settings() is in settings.cpp.
#include "shared/config/effective_settings.hpp"

#include "shared/base/json_quoted.hpp"

namespace vultus {
namespace {

/// The entry of a value, by section and key.
std::string& place(std::map<std::string, std::map<std::string, std::string>>& sections,
                   const std::string& name) {
    const std::size_t dot = name.find('.');
    return sections[name.substr(0, dot)][name.substr(dot + 1)];
}

}  // namespace

void effective_settings::set(const std::string& name, const std::string& text) {
    place(sections_, name) = json_quoted(text);
}

void effective_settings::set(const std::string& name, const std::vector<std::string>& texts) {
    std::string list;
    for (const auto& one : texts) list += (list.empty() ? "" : ", ") + json_quoted(one);
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
        out += (out == "{" ? "\n  " : ",\n  ") + json_quoted(section) + ": {";
        bool first = true;
        for (const auto& [key, value] : keys) {
            out += (first ? "\n    " : ",\n    ") + json_quoted(key) + ": " + value;
            first = false;
        }
        out += "\n  }";
    }
    return out + "\n}";
}

}  // namespace vultus
