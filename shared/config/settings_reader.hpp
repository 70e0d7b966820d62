// Reads settings one at a time, from the file or from --set, which overrides it. Keeps the first
// error with file, line, key and range, and the keys that exist, so that unknown ones are refused.
// The interface between settings.cpp (the settings) and toml++ (settings_reader.cpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus {

struct settings_source;
class effective_settings;

/// threads   one owner
class settings_reader {
 public:
    /// errors    malformed: the file cannot be read or is not TOML, or an override is not
    ///           section.key=value
    static result<settings_reader> open(const settings_source&);
    settings_reader(settings_reader&&) noexcept;
    ~settings_reader();

    /// The keys that follow belong to this table of the file.
    void section(std::string_view name);

    void text(std::string_view key, std::string& into, std::size_t bytes_max);
    void texts(std::string_view key, std::vector<std::string>& into, std::size_t count_max);
    void choice(std::string_view key, std::string& into, const std::vector<std::string>& allowed);
    void flag(std::string_view key, bool& into);
    void number(std::string_view key, double& into, double least, double most);
    void whole(std::string_view key, std::int64_t& into, std::int64_t least, std::int64_t most);

    template <class Number>
    requires std::is_integral_v<Number>
    void integer(std::string_view key, Number& into, std::int64_t least, std::int64_t most) {
        auto wide = static_cast<std::int64_t>(into);
        whole(key, wide, least, most);
        into = static_cast<Number>(wide);
    }
    /// The key ends in _ms or _s, which is the unit of Duration.
    template <class Duration>
    void time(std::string_view key, Duration& into, Duration least, Duration most) {
        std::int64_t count = into.count();
        whole(key, count, least.count(), most.count());
        into = Duration(count);
    }

    /// Adds an error about the key, with its position in the file.
    void refuse(std::string_view key, std::string_view why);

    /// Notes the effective value of the key, where an empty one means a default.
    void derived(std::string_view key, const std::string& value);
    void derived(std::string_view key, const std::vector<std::string>& values);
    /// The key's value is a secret: it is not printed, and a file that contains it must be readable
    /// by its owner only.
    void secret(std::string_view key);

    /// All values read so far, for `--print-config`.
    const effective_settings& effective() const;

    /// errors    malformed: the first error, or the first unknown key or section
    result<void> finish();

 private:
    struct state;
    settings_reader();
    template <class Value>
    void note(std::string_view key, const Value& value);
    std::unique_ptr<state> state_;
};

}  // namespace vultus
