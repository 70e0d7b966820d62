"""Completion of the command `vultus` in bash and zsh, made from its own parser, so that both always agree."""
from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator


def commands_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:  # argparse has no other way to list them
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def completion(parser: argparse.ArgumentParser, name: str, shell: str) -> str:
    """A script for `source <(NAME --completion SHELL)`: commands, options, values; files elsewhere."""
    commands = dict(commands_of(parser))
    paths = {"": parser, **commands}
    words, values = [], []
    for path, of in paths.items():
        offered = list(commands) if not path else []
        for action in of._actions:
            offered += action.option_strings
            if action.choices and not isinstance(action, argparse._SubParsersAction):
                values += [f"        {shlex.quote(f'{path} {option}')}) values={shlex.quote(' '.join(map(str, action.choices)))} ;;"
                           for option in action.option_strings]
        words.append(f"        {shlex.quote(path)}) words={shlex.quote(' '.join(offered))} ;;")
    lines = [*(["autoload -Uz bashcompinit && bashcompinit"] if shell == "zsh" else []),
             f"_{name}() {{", "    local path='' words='' values='' i", "    for ((i = 1; i < COMP_CWORD; i++)); do",
             f"        case ${{COMP_WORDS[i]}} in {' | '.join(map(shlex.quote, commands))}) path=${{COMP_WORDS[i]}}; break ;; esac",
             "    done", '    case "$path ${COMP_WORDS[COMP_CWORD-1]}" in', *values, "    esac", "    case $path in", *words, "    esac",
             '    COMPREPLY=($(compgen -W "${values:-$words}" -- "${COMP_WORDS[COMP_CWORD]}"))', "}",
             f"complete -o default -F _{name} {name}"]
    return "\n".join(lines) + "\n"
