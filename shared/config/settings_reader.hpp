// Reads one value of one setting: from the file, or from --set over it. Collects the first error
// with file, line, key and range, and remembers which keys exist, so that the others can be
// refused. The seam between settings.cpp (what there is) and toml++ (settings_reader.cpp).
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
    /// errors    malformed: the file cannot be read or is no TOML, or an override is no
    /// section.key=value
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

    /// An error of the caller's own about the key, at its place in the file.
    void refuse(std::string_view key, std::string_view why);

    /// What the key's value comes to after all, where an empty one stands for another.
    void derived(std::string_view key, const std::string& value);
    void derived(std::string_view key, const std::vector<std::string>& values);
    /// The key's value is a secret: it is not printed, and if it stands in the file, nobody else
    /// may read that file.
    void secret(std::string_view key);

    /// All that was read, for `--print-config`.
    const effective_settings& effective() const;

    /// The first error, or the first key or section that nobody asked for.
    result<void> finish();

 private:
    struct state;
    settings_reader();
    template <class Value>
    void note(std::string_view key, const Value& value);
    std::unique_ptr<state> state_;
};

}  // namespace vultus
