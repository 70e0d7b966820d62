// See completion.hpp. The script walks the words of the line down to the command that they name,
// then offers what that command has.
#include "clients/ctl/cli/completion.hpp"

#include <CLI/CLI.hpp>

namespace vultus::ctl {
namespace {

/// The two tables of the script, as branches of `case`.
struct tables {
    std::string commands;  ///< words that lead to a command
    std::string words;     ///< what a command offers
    std::string values;    ///< what an option of a command takes
};

void add_option(const CLI::Option& option, const std::string& path, std::string& offered,
                tables& to) {
    for (const std::string& name : option.get_lnames()) {
        offered += " --" + name;
        // CLI::IsMember names its set so: {yes,no,default}
        const std::string type = option.get_type_name();
        const auto from = type.find('{'), until = type.find('}');
        if (from == std::string::npos || until == std::string::npos) continue;
        std::string values = type.substr(from + 1, until - from - 1);
        std::replace(values.begin(), values.end(), ',', ' ');
        to.values += "        '" + path + " --" + name + "') values='" + values + "' ;;\n";
    }
}

void add_command(const CLI::App& app, const std::string& path, const std::string& inherited,
                 tables& to) {
    std::string offered = inherited;
    for (const CLI::Option* option : app.get_options()) add_option(*option, path, offered, to);
    std::string below;
    for (const CLI::App* sub : app.get_subcommands({})) {
        const std::string deeper = path + " " + sub->get_name();
        below += " " + sub->get_name();
        to.commands += "            '" + deeper + "') path='" + deeper + "' ;;\n";
        // A command also takes the options of vultusctl itself.
        add_command(*sub, deeper, path.empty() ? offered : inherited, to);
    }
    to.words += "        '" + path + "') words='" + (below + offered).substr(1) + "' ;;\n";
}

}  // namespace

std::string completion(const CLI::App& app, const std::string& shell) {
    tables made;
    add_command(app, "", "", made);
    const std::string name = app.get_name();
    std::string text = shell == "zsh" ? "autoload -Uz bashcompinit && bashcompinit\n" : "";
    text += "_" + name + "() {\n    local path='' words='' values='' word i\n";
    text += "    for ((i = 1; i < COMP_CWORD; i++)); do\n        word=\"$path ${COMP_WORDS[i]}\"\n";
    text += "        case $word in\n" + made.commands + "        esac\n    done\n";
    text += "    case \"$path ${COMP_WORDS[COMP_CWORD-1]}\" in\n" + made.values + "    esac\n";
    text += "    case $path in\n" + made.words + "    esac\n";
    text +=
        "    COMPREPLY=($(compgen -W \"${values:-$words}\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n";
    return text + "}\ncomplete -o default -F _" + name + " " + name + "\n";
}

void describe_completion(CLI::App& app, std::optional<std::string>& script) {
    app.add_subcommand("completion", "script for a shell: source <(vultusctl completion bash)")
        ->add_option_function<std::string>(
            "shell", [&](const std::string& shell) { script = completion(app, shell); },
            "bash or zsh")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}));
}

}  // namespace vultus::ctl
