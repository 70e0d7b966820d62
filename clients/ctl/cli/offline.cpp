// See offline.hpp.
#include "clients/ctl/cli/offline.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "clients/ctl/cli/completion.hpp"

namespace vultus::ctl {

void describe_offline(CLI::App& app, offline& wanted) {
    CLI::App* made =
        app.add_subcommand("completion", "script for a shell: source <(vultusctl completion bash)");
    made->add_option_function<std::string>(
            "shell", [&](const std::string& shell) { wanted.script = completion(app, shell); },
            "bash or zsh")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}));
    CLI::App* fetch = app.get_subcommand("models")->add_subcommand(
        "fetch", "fetch missing model files and check their SHA-256");
    fetch->add_option("--into", wanted.into, "folder that gets the folder models");
    fetch->callback([&] { wanted.fetches = true; });
}

result<std::string> do_offline(const offline& wanted) {
    if (wanted.script) return *wanted.script;
    namespace fs = std::filesystem;
    std::error_code bad;
    const fs::path folder = fs::read_symlink("/proc/self/exe", bad).parent_path();
    // Installed below a prefix, and in a checkout (build/release/bin).
    for (const char* place : {"../share/vultus/config/fetch.py", "../../../config/fetch.py"}) {
        const auto script = (folder / place).lexically_normal().string();
        if (!fs::exists(script, bad)) continue;
        const char* option = wanted.into.empty() ? nullptr : "--data";
        ::execl("/usr/bin/python3", "python3", script.c_str(), "models", option,
                wanted.into.c_str(), nullptr);
        return fail(errc::not_found, "/usr/bin/python3 cannot be run: install python3");
    }
    return fail(errc::not_found,
                "config/fetch.py is not beside " + folder.string() + ": incomplete installation");
}

}  // namespace vultus::ctl
