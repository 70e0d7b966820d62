// The effective settings, after defaults, file and command line, as JSON for programs that start
// others (`--print-config`). Passwords and keys are not printed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus {

struct settings_source;

/// Collects values by "section.key"; a later one replaces an earlier one.
/// threads   one owner
class effective_settings {
 public:
    void set(const std::string& name, const std::string& text);
    void set(const std::string& name, const std::vector<std::string>& texts);
    void set(const std::string& name, bool value);
    void set(const std::string& name, std::int64_t value);
    void set(const std::string& name, double value);

    /// {"section": {"key": value, ...}, ...}, sorted, one key on a line.
    std::string json() const;

 private:
    std::map<std::string, std::map<std::string, std::string>> sections_;
};

/// The settings with which the program of that name ("vultus-api", ...) would run.
/// errors    malformed: as the function that reads its settings
result<std::string> print_settings(const settings_source& source, std::string_view program);

}  // namespace vultus
