// See log.hpp. Values with a space, a quote or a control character are quoted and escaped. The only
// file with spdlog.
#include "shared/base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace vultus::log {
namespace {

spdlog::level::level_enum native(level from) {
    switch (from) {
        case level::debug:
            return spdlog::level::debug;
        case level::info:
            return spdlog::level::info;
        case level::warning:
            return spdlog::level::warn;
        case level::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

std::shared_ptr<spdlog::logger> make(std::string_view process, level lowest) {
    auto logger = std::make_shared<spdlog::logger>(
        std::string(process), std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc));
    logger->set_level(native(lowest));
    logger->flush_on(spdlog::level::debug);
    return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
    static std::shared_ptr<spdlog::logger> one = make("vultus", level::info);
    return one;
}

bool is_plain(char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

/// The value unchanged, or in quotes with control characters, quotes and backslashes escaped.
void append(std::string& line, std::string_view value) {
    bool plain = !value.empty();
    for (const char c : value) plain = plain && is_plain(c);
    if (plain) {
        line += value;
        return;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    line += '"';
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) {
            line += "\\x";
            line += digits[byte >> 4U];
            line += digits[byte & 0x0FU];
        } else {
            if (c == '"' || c == '\\') line += '\\';
            line += c;
        }
    }
    line += '"';
}

}  // namespace

void start(std::string_view process, level lowest) {
    logger() = make(process, lowest);
}

void write(level how, std::string_view event, std::initializer_list<field> fields) {
    if (!logger()->should_log(native(how))) return;
    std::string line(event);
    for (const field& one : fields) {
        line += ' ';
        line += one.key;
        line += '=';
        append(line, one.text);
    }
    logger()->log(native(how), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace vultus::log
