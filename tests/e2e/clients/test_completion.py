"""The completion scripts of vultusctl and vultus: a shell loads them, and every command is in them. Every program says its version."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
CLIENT = {**os.environ, "PYTHONPATH": str(ROOT / "clients/python")}
COMMANDS = {"vultusctl": [PROGRAMS / "vultusctl", "completion"], "vultus": [sys.executable, "-m", "vultus", "--completion"]}


def said(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=CLIENT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def offered(script, words, shell="bash"):
    typed = " ".join(f"'{word}'" for word in words)
    last = f"COMP_WORDS=({typed})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n_{words[0]}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run([shell, "-c", script + last], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("name, words, found", [
    ("vultusctl", [""], {"status", "key", "models", "completion", "--data"}),
    ("vultusctl", ["key", ""], {"create", "list", "revoke", "rotate"}),
    ("vultusctl", ["--data", "d", "key", "create", "--sc"], {"--scopes"}),
    ("vultusctl", ["import", "--quality", ""], {"off", "standard", "strict"}),
    ("vultusctl", ["completion", "z"], set()),
    ("vultus", [""], {"recognize", "train", "people", "--url"}),
    ("vultus", ["train", "--qu"], {"--quality"}),
    ("vultus", ["--url", "u", "train", "--quality", "st"], {"standard", "strict"}),
])
def test_bash_offers(name, words, found):
    assert found <= set(offered(said(*COMMANDS[name], "bash"), [name, *words]))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_help_is_offered(name):
    help_text = said(*COMMANDS[name][:-1], "--help")
    if name == "vultusctl":
        commands = set(re.findall(r"^  ([a-z][a-z-]*) ", help_text.split("Subcommands:")[1], re.M))
    else:
        commands = set(re.search(r"\{(recognize,[a-z,-]+)\}", help_text).group(1).split(","))
    assert len(commands) > 4 and commands <= set(offered(said(*COMMANDS[name], "bash"), [name, ""]))


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh on this machine")
@pytest.mark.parametrize("name", COMMANDS)
def test_zsh_loads_it(name):
    script = "autoload -Uz compinit && compinit -u -D\n" + said(*COMMANDS[name], "zsh") + f"print -r -- ${{_comps[{name}]}}\n"
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0 and "_bash_complete" in done.stdout and done.stderr == "", done


def test_an_unknown_shell_is_refused():
    done = subprocess.run([PROGRAMS / "vultusctl", "completion", "fish"], capture_output=True, text=True)
    assert done.returncode == 2 and "fish" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["vultus-api", "vultus-broker", "vultus-worker", "vultus-decoder", "vultus-lfw", "vultusctl"])
def test_each_program_says_its_version(name):
    version = re.search(r"project\(vultus VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert said(PROGRAMS / name, "--version") == f"{name} {version}\n"


def test_the_python_command_says_the_version_of_its_package():
    version = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]["version"]
    assert said(*COMMANDS["vultus"][:-1], "--version") == f"vultus {version}\n"
