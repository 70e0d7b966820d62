// Reads settings one by one (settings_reader.hpp). The only file with toml++.
#include "shared/config/settings_reader.hpp"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "shared/config/effective_settings.hpp"
#include "shared/config/settings.hpp"
#include "shared/security/private_file.hpp"

namespace vultus {

struct settings_reader::state {
    std::string file;
    toml::table root;
    std::map<std::string, toml::table, std::less<>> overrides;  ///< "section.key" -> {value = ...}
    std::string section;
    std::set<std::string, std::less<>> known;
    std::optional<std::string> wrong;
    effective_settings effective;

    std::string name(std::string_view key) const { return section + "." + std::string(key); }

    std::string place(const toml::node* node, const std::string& full) const {
        if (overrides.contains(full) || node == nullptr) return "--set " + full;
        return file + ":" + std::to_string(node->source().begin.line) + ": " + full;
    }
    /// The value of the key, or null if the default applies.
    const toml::node* find(std::string_view key) {
        const std::string full = name(key);
        known.insert(full);
        if (const auto one = overrides.find(full); one != overrides.end()) {
            return one->second.get("value");
        }
        const toml::table* table = root[section].as_table();
        return table != nullptr ? table->get(key) : nullptr;
    }
    /// The same for a string. From --set, a password like 12345 is a string without quotes.
    std::optional<std::string> find_text(std::string_view key, const toml::node*& found) {
        found = find(key);
        if (found == nullptr) return std::nullopt;
        const auto one = overrides.find(name(key));
        if (one == overrides.end() || found->is_string()) return found->value_exact<std::string>();
        return one->second["text"].value_exact<std::string>();
    }
    void complain(const toml::node* node, std::string_view key, const std::string& rule) {
        if (!wrong) wrong = place(node, name(key)) + ": " + rule;
    }
};

namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;

constexpr std::string_view blank = " \t\r";

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    return text.substr(0, text.find_last_not_of(blank) + 1);
}

/// Whether a quote opens a string: at the start of a line, after `key =`, after `[`, and, if it is
/// not the first of its line, after a comma. Elsewhere it may be part of broken syntax.
bool opens_text(std::string_view before, bool first) {
    before = trimmed(before);
    if (!first) return before == ",";
    if (before.ends_with('[')) before = trimmed(before.substr(0, before.size() - 1));
    if (before.empty()) return true;
    if (!before.ends_with('=')) return false;
    before = trimmed(before.substr(0, before.size() - 1));
    return !before.empty() && std::all_of(before.begin(), before.end(), [](char one) {
        return (one >= 'a' && one <= 'z') || one == '_' || one == '.';
    });
}

/// The line with the first character that toml++ 3.3 must not get; 0: none. It tests whether
/// characters outside of quotes and comments are white space, which is undefined behaviour for most
/// non-ASCII ones.
int line_of_stray_character(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    int line = 1;
    char inside = 0;        // 0, or the quote or # that is open
    std::size_t since = 0;  // the end of the last string of the line, or the start of the line
    bool first = true;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char one = text[at];
        if (one == '\n') {
            ++line;
            inside = 0;
            since = at + 1;
            first = true;
        } else if (inside == '"' && one == '\\' && at + 1 < text.size() && text[at + 1] != '\n') {
            ++at;
        } else if (inside != 0) {
            if (one != inside || inside == '#') continue;
            inside = 0;
            since = at + 1;
            first = false;
        } else if (one == '#' || ((one == '"' || one == '\'') &&
                                  opens_text(text.substr(since, at - since), first))) {
            inside = one;
        } else if (static_cast<unsigned char>(one) >= 0x80) {
            return line;
        }
    }
    return 0;
}

/// A value of --set: TOML if it is valid TOML, else the text itself, so that no quotes inside
/// quotes are needed.
toml::table value_of(const std::string& text) {
    const std::string line = "value = " + text;
    if (text.find_first_of("\r\n") == text.npos && line_of_stray_character(line) == 0) {
        try {
            toml::table table = toml::parse(line);
            table.insert_or_assign("text", text);
            return table;
        } catch (const toml::parse_error&) {
        }
    }
    toml::table table;
    table.insert("value", text);
    table.insert("text", text);
    return table;
}

result<toml::table> read_file(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text(file_bytes_max + 1, '\0');
    if (stream) stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (!stream.eof() || stream.bad()) {
        const bool long_file = text.size() > file_bytes_max;
        return fail(errc::malformed,
                    file + (long_file ? ": is larger than 1 MiB" : ": cannot be read"));
    }
    const auto refuse = [&](auto line, const std::string& why) {
        const std::string at = line > 0 ? ":" + std::to_string(line) : "";
        return fail(errc::malformed, file + at + ": " + why);
    };
    if (const int line = line_of_stray_character(text); line > 0) {
        return refuse(line, "non-ASCII character outside quotes");
    }
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& why) {
        return refuse(why.source().begin.line, std::string(why.description()));
    }
}

std::string text_of(double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

template <class Number>
std::string range(Number least, Number most) {
    if constexpr (std::is_floating_point_v<Number>) {
        return "must be a number from " + text_of(least) + " to " + text_of(most);
    } else {
        return "must be an integer from " + std::to_string(least) + " to " + std::to_string(most);
    }
}

/// Runs the function at the end of the scope.
template <class Action>
class noted {
 public:
    explicit noted(Action action) : action_(std::move(action)) {}
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;
    ~noted() { action_(); }

 private:
    Action action_;
};

}  // namespace

settings_reader::settings_reader() : state_(std::make_unique<state>()) {}
settings_reader::settings_reader(settings_reader&&) noexcept = default;
settings_reader::~settings_reader() = default;

template <class Value>
void settings_reader::note(std::string_view key, const Value& value) {
    state_->effective.set(state_->name(key), value);
}

const effective_settings& settings_reader::effective() const {
    return state_->effective;
}

void settings_reader::derived(std::string_view key, const std::string& value) {
    note(key, value);
}

void settings_reader::derived(std::string_view key, const std::vector<std::string>& values) {
    note(key, values);
}

void settings_reader::secret(std::string_view key) {
    const toml::node* found = state_->find(key);
    const bool given = found != nullptr && found->value_or(std::string("?")) != "";
    note(key, std::string(given ? "(not printed)" : ""));
    if (!given || state_->overrides.contains(state_->name(key))) return;
    if (const auto good = check_private_file(state_->file); !good) {
        state_->complain(found, key,
                         "is in a file that others can read: " + good.error().detail +
                             ", or move it to a file and set password_file");
    }
}

result<settings_reader> settings_reader::open(const settings_source& source) {
    settings_reader reader;
    reader.state_->file = source.file;
    if (!source.file.empty()) {
        auto root = read_file(source.file);
        if (!root) return fail(root.error());
        reader.state_->root = std::move(*root);
    }
    for (const std::string& one : source.overrides) {
        const std::size_t equals = one.find('=');
        const std::size_t dot = one.find('.');
        if (equals == std::string::npos || dot == std::string::npos || dot == 0 ||
            dot + 1 >= equals) {
            return fail(errc::malformed, "--set " + one + ": must be section.key=value");
        }
        reader.state_->overrides.insert_or_assign(one.substr(0, equals),
                                                  value_of(one.substr(equals + 1)));
    }
    return reader;
}

void settings_reader::section(std::string_view name) {
    state_->section = name;
    const toml::node* found = state_->root.get(name);
    if (found != nullptr && !found->is_table() && !state_->wrong) {
        state_->wrong = state_->place(found, std::string(name)) + ": must be a [section]";
    }
}

void settings_reader::text(std::string_view key, std::string& into, std::size_t bytes_max) {
    const noted keep([&] { note(key, into); });
    const toml::node* found = nullptr;
    const auto value = state_->find_text(key, found);
    if (found == nullptr) return;
    const bool fits = value && value->size() <= bytes_max && value->find('\0') == std::string::npos;
    if (!fits) {
        return state_->complain(
            found, key, "must be a string of at most " + std::to_string(bytes_max) + " bytes");
    }
    into = *value;
}

void settings_reader::texts(std::string_view key, std::vector<std::string>& into,
                            std::size_t count_max) {
    const noted keep([&] { note(key, into); });
    const toml::node* found = state_->find(key);
    if (found == nullptr) return;
    std::vector<std::string> values;
    bool fits = true;
    if (const auto* array = found->as_array(); array != nullptr) {
        for (const toml::node& one : *array) {
            const auto value = one.value_exact<std::string>();
            fits = fits && value && !value->empty();
            values.push_back(value.value_or(""));
        }
    } else {
        const auto value = found->value_exact<std::string>();  // a single string is a list of one
        fits = value.has_value();
        if (fits && !value->empty()) values.push_back(*value);
    }
    if (!fits || values.size() > count_max) {
        return state_->complain(
            found, key, "must be a list of at most " + std::to_string(count_max) + " strings");
    }
    into = std::move(values);
}

void settings_reader::choice(std::string_view key, std::string& into,
                             const std::vector<std::string>& allowed) {
    const noted keep([&] { note(key, into); });
    const toml::node* found = state_->find(key);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::string>();
    if (value && std::find(allowed.begin(), allowed.end(), *value) != allowed.end()) {
        into = *value;
        return;
    }
    std::string rule = "must be one of";
    for (const std::string& one : allowed) rule += (&one == &allowed.front() ? " " : ", ") + one;
    state_->complain(found, key, rule);
}

void settings_reader::flag(std::string_view key, bool& into) {
    const noted keep([&] { note(key, into); });
    const toml::node* found = state_->find(key);
    if (found == nullptr) return;
    const auto value = found->value_exact<bool>();
    if (!value) return state_->complain(found, key, "must be true or false");
    into = *value;
}

void settings_reader::number(std::string_view key, double& into, double least, double most) {
    const noted keep([&] { note(key, into); });
    const toml::node* found = state_->find(key);
    if (found == nullptr) return;
    const auto value = found->is_number() ? found->value<double>() : std::nullopt;
    if (!value || !(*value >= least && *value <= most)) {
        return state_->complain(found, key, range(least, most));
    }
    into = *value;
}

void settings_reader::whole(std::string_view key, std::int64_t& into, std::int64_t least,
                            std::int64_t most) {
    const noted keep([&] { note(key, into); });
    const toml::node* found = state_->find(key);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
        return state_->complain(found, key, range(least, most));
    }
    into = *value;
}

void settings_reader::refuse(std::string_view key, std::string_view why) {
    state_->complain(state_->find(key), key, std::string(why));
}

result<void> settings_reader::finish() {
    const auto unknown = [&](const toml::node* node, const std::string& full) {
        if (!state_->wrong) state_->wrong = state_->place(node, full) + ": unknown setting";
    };
    for (const auto& [section, content] : state_->root) {
        const std::string name(section.str());
        const bool exists =
            std::any_of(state_->known.begin(), state_->known.end(),
                        [&](const std::string& key) { return key.starts_with(name + "."); });
        if (!exists || !content.is_table()) {
            unknown(&content, name);
            continue;
        }
        for (const auto& [key, value] : *content.as_table()) {
            const std::string full = name + "." + std::string(key.str());
            if (!state_->known.contains(full)) unknown(&value, full);
        }
    }
    for (const auto& [full, value] : state_->overrides) {
        if (!state_->known.contains(full)) unknown(nullptr, full);
    }
    if (state_->wrong) return fail(errc::malformed, *state_->wrong);
    return {};
}

}  // namespace vultus
