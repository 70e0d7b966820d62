// Completion of vultusctl: bash runs the script that is made of a command line's description.
#include "clients/ctl/cli/completion.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>

namespace vultus::ctl {
namespace {

struct completion_ : testing::Test {
    CLI::App app{"", "tool"};
    std::string text;
    bool flag = false;

    void SetUp() override {
        app.add_option("--data", text);
        CLI::App* key = app.add_subcommand("key", "");
        CLI::App* create = key->add_subcommand("create", "");
        create->add_option("--scopes", text);
        create->add_option("--keep", text)->check(CLI::IsMember({"yes", "no"}));
        key->add_subcommand("list", "");
        app.add_subcommand("status", "")->add_flag("--json", flag);
    }

    /// What bash offers behind these words, the last of which is being written.
    std::string offered(const std::string& words) const {
        const std::string file = testing::TempDir() + "/completion_test.sh";
        std::ofstream(file) << completion(app, "bash") << "COMP_WORDS=(" << words
                            << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_tool\n"
                            << "printf '%s ' \"${COMPREPLY[@]}\"\n";
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
            ::popen(("bash -eu " + file + " 2>&1").c_str(), "r"), ::pclose);
        std::string said;
        for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) {
            said += static_cast<char>(c);
        }
        return said;
    }
};

TEST_F(completion_, offers_the_commands_and_options_of_the_program) {
    EXPECT_EQ(offered("tool ''"), "key status --help --data ");
    EXPECT_EQ(offered("tool st"), "status ");
    EXPECT_EQ(offered("tool --data"), "--data ");
}

TEST_F(completion_, follows_the_words_to_the_command) {
    EXPECT_EQ(offered("tool key ''"), "create list --help --data --help ");
    EXPECT_EQ(offered("tool --data x key cr"), "create ");
    EXPECT_EQ(offered("tool key create --s"), "--scopes ");
    EXPECT_EQ(offered("tool status --j"), "--json ");
}

TEST_F(completion_, offers_the_values_that_an_option_takes) {
    EXPECT_EQ(offered("tool key create --keep ''"), "yes no ");
    EXPECT_EQ(offered("tool key create --keep n"), "no ");
}

TEST_F(completion_, of_zsh_loads_what_runs_the_same_function) {
    const std::string made = completion(app, "zsh");
    EXPECT_EQ(made.substr(made.find('\n') + 1), completion(app, "bash"));
    EXPECT_EQ(made.substr(0, made.find('\n')), "autoload -Uz bashcompinit && bashcompinit");
}

}  // namespace
}  // namespace vultus::ctl
