// One line per event, to stderr: time, level, process, event, key=value pairs. spdlog lives in
// log.cpp. Never a secret, never image bytes, never a label: the job's id stands for it.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace vultus::log {

enum class level { debug, info, warning, error };

struct field {
    field(std::string_view name, std::string_view value) : key(name), text(value) {}
    field(std::string_view name, const char* value) : key(name), text(value) {}
    field(std::string_view name, const std::string& value) : key(name), text(value) {}
    template <class Number>
    requires std::is_arithmetic_v<Number> field(std::string_view name, Number value)
        : key(name), text(std::to_string(value)) {}
    std::string_view key;
    std::string text;
};

/// Called once, in main, before the first thread.
void start(std::string_view process, level lowest);

/// threads   any
void write(level, std::string_view event, std::initializer_list<field> fields = {});

inline void debug(std::string_view e, std::initializer_list<field> f = {}) {
    write(level::debug, e, f);
}
inline void info(std::string_view e, std::initializer_list<field> f = {}) {
    write(level::info, e, f);
}
inline void warning(std::string_view e, std::initializer_list<field> f = {}) {
    write(level::warning, e, f);
}
inline void error(std::string_view e, std::initializer_list<field> f = {}) {
    write(level::error, e, f);
}

}  // namespace vultus::log
