// The command line of api, broker and worker (settings.hpp).
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string_view>

#include "shared/config/dependencies.hpp"
#include "shared/config/effective_settings.hpp"
#include "shared/config/settings.hpp"
#include "shared/security/output_file.hpp"

namespace vultus {
namespace {

constexpr int unwritten = 1, wrong_usage = 2;

/// `code`, or a failure if the output could not be written.
int printed(int code) {
    if (output_was_written()) return code;
    std::fputs("output cannot be written\n", stderr);
    return unwritten;
}

void print_version(const std::string& program, bool verbose) {
    std::printf("%s %s\n", program.c_str(), VULTUS_VERSION);
    if (!verbose) return;
    const std::string word = " " + program.substr(program.find('-') + 1) + " ";
    for (const dependency& one : dependencies) {
        const std::string programs = one.programs;
        if (programs != " all " && programs.find(word) == std::string::npos) continue;
        std::printf("%-20s %-20s %s\n", one.name, one.version, one.licence);
    }
}

/// Each program checks the whole file, so it also finds mistyped settings of the others. Which
/// settings are required depends on the program.
int check(const settings_source& source, const char* program, bool print) {
    const auto read = print_settings(source, program);
    if (!read) {
        std::fprintf(stderr, "%s\n", read.error().detail.c_str());
        return wrong_usage;
    }
    std::puts(print ? read->c_str() : "Settings are valid");
    return printed(0);
}

/// Other users of this machine can read a command line in `ps`. Overwrites a redis.password of
/// --set with x; before this call it is visible.
void hide_passwords(int argc, char** argv) {
    constexpr std::string_view setting = "redis.password=";
    for (int i = 1; i < argc; ++i) {
        const std::size_t at = std::string_view(argv[i]).find(setting);
        if (at == std::string_view::npos) continue;
        for (char* c = argv[i] + at + setting.size(); *c != '\0'; ++c) *c = 'x';
    }
}

}  // namespace

command_line parse_command_line(int argc, char** argv, const char* program) {
    command_line line;
    CLI::App app("", program);
    bool version = false, verbose = false, print = false;
    app.add_flag("--version", version, "Print the version and exit");
    app.add_flag("--verbose", verbose, "With --version: also the libraries and their licences");
    app.add_option("--config", line.source.file, "Settings file; without it the defaults apply")
        ->type_name("FILE");
    app.add_option("--set", line.source.overrides,
                   "One setting, overrides the file; may be repeated")
        ->type_name("SECTION.KEY=VALUE")
        ->allow_extra_args(false);
    app.add_flag("--check-config", line.check_only, "Check the settings and exit");
    app.add_flag("--print-config", print, "Print the effective settings as JSON and exit");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& outcome) {
        line.exit_code = app.exit(outcome) == 0 ? printed(0) : wrong_usage;
        return line;
    }
    hide_passwords(argc, argv);
    if (version) {
        print_version(program, verbose);
        line.exit_code = printed(0);
        return line;
    }
    if (line.check_only || print) line.exit_code = check(line.source, program, print);
    return line;
}

}  // namespace vultus
