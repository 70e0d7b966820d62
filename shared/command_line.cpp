// The command line that the three processes share. The only file with CLI11.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "shared/dependencies.hpp"
#include "shared/settings.hpp"

namespace vultus {
namespace {

constexpr int wrong_usage = 2;

/// Every process reads the whole file, so one check says whether it suits all of them.
int check(const settings_source& source) {
    const auto broker = read_broker_settings(source);
    const auto worker = read_worker_settings(source);
    const auto api = read_api_settings(source);
    for (const error* why : {broker ? nullptr : &broker.error(), worker ? nullptr : &worker.error(),
                             api ? nullptr : &api.error()}) {
        if (why == nullptr) continue;
        std::fprintf(stderr, "%s\n", why->detail.c_str());
        return wrong_usage;
    }
    std::puts("the settings are valid");
    return 0;
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

}  // namespace

command_line parse_command_line(int argc, char** argv, const char* program) {
    command_line line;
    CLI::App app("", program);
    bool version = false, verbose = false;
    app.add_flag("--version", version, "Print the version and end");
    app.add_flag("--verbose", verbose, "With --version: the libraries too, and their licences");
    app.add_option("--config", line.source.file, "Settings file; without it the defaults hold")
        ->type_name("FILE");
    app.add_option("--set", line.source.overrides, "One setting, over the file's; may be repeated")
        ->type_name("SECTION.KEY=VALUE")
        ->allow_extra_args(false);
    app.add_flag("--check-config", line.check_only, "Check the settings and end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& outcome) {
        line.exit_code = app.exit(outcome) == 0 ? 0 : wrong_usage;
        return line;
    }
    if (version) {
        print_version(program, verbose);
        line.exit_code = 0;
        return line;
    }
    if (line.check_only) line.exit_code = check(line.source);
    return line;
}

}  // namespace vultus
