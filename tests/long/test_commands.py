"""Each long command of ./test does one short round, so that none of them stops working unnoticed. What needs more than
the two builds of ./test (a compiler for GPUs, images, other people's photos, a peer to compare with) is only loaded
here: its syntax, imports and arguments. `nemesis`, `matrix --short` and `endure` have tests of their own.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BENCHES = {  # bench: arguments of a short round, None: only loaded
    "access": ["--seconds", "0.3", "--rounds", "1"],
    "api": None,      # needs a peer, and photos
    "curve": ["--seconds", "0.3", "--rounds", "1"],
    "decoder": ["--seconds", "2", "--rounds", "1", "--sides", "480"],
    "engine": ["--rounds", "1"],
    "gpu": None,      # what a GPU takes, minutes on this machine
    "live": ["--seconds", "0.5", "--photos", "4", "--noisy-frames", "10"],
    "people": ["--people", "400", "--times", "2"],
    "queue": ["--seconds", "0.3", "--waiting", "1000"],
    "reembed": ["--faces", "60"],
    "search": None,   # needs FAISS
    "tls": ["--seconds", "0.3", "--rounds", "1"],
    "turns": ["--bodies", "1"],
    "detectors": ["--rounds", "1", "--groups", "1"],
}


def run(*words, code=0, folder=ROOT):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=500, cwd=folder,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, f"{words} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def last_object(text):
    return json.loads(text.strip().splitlines()[-1])


def test_no_bench_is_missing_here():
    assert set(BENCHES) == {path.stem.removeprefix("bench_") for path in (ROOT / "tests/bench").rglob("bench_*.py")}


@pytest.mark.parametrize("name", BENCHES)
def test_bench(name):
    [script] = (ROOT / "tests/bench").rglob(f"bench_{name}.py")
    assert "--json" in run(sys.executable, script, "--help")
    if BENCHES[name] is not None:
        found = last_object(run(sys.executable, script, *BENCHES[name], "--json"))
        assert "commit" in json.dumps(found) and len(found) > 2, found


def test_nemesis_catches_a_seeded_bug_and_is_silent_without_it():
    nemesis = ROOT / "tests/nemesis"
    told = run(sys.executable, "nemesis.py", "--prove", "company", folder=nemesis)
    assert last_object(told)["right"] == 1, told
    seconds = 40 if os.environ.get("VULTUS_LONG") else 10
    told = run(sys.executable, "nemesis.py", "--control", "company", "--seconds", seconds, folder=nemesis)
    assert last_object(told)["right"] == 1, told


def test_comparison_with_dlib_on_lfw_takes_its_arguments():
    """Its peer, dlib for Python, is not installed here: two empty modules stand for it."""
    told = run(sys.executable, "-c", "import runpy, sys, types; sys.modules.update(dlib=types.ModuleType('dlib'),"
               " numpy=types.ModuleType('numpy')); sys.argv = ['lfw.py', '--help'];"
               f" runpy.run_path({str(ROOT / 'tests/bench/lfw.py')!r}, run_name='__main__')")
    assert "--photos" in told


@pytest.mark.parametrize("run_name", ["kills", "soak", "overload", "drain", "stalled"])
def test_endurance_run_takes_its_arguments(run_name):
    assert "--programs" in run(sys.executable, ROOT / f"tests/endurance/{run_name}.py", "--help")


@pytest.mark.parametrize("script", ["test", "run", ".ci/run", "docker/check", "docker/release", "tests/portable/check", "tests/portable/package",
                                    "config/install", "config/redis"])
def test_script_is_a_program_that_its_shell_can_read(script):
    first = (ROOT / script).read_text().splitlines()[0]
    assert first.startswith("#!"), first
    run(*re.sub("^#!(/usr/bin/env )?", "", first).split(), "-n", ROOT / script)


def test_usage_of_the_test_command_names_each_of_its_parts():
    text = (ROOT / "test").read_text()
    parts = re.findall(r"^    (\w+)\) ", text[text.index('case "$part" in'):], re.M)
    usage = subprocess.run([ROOT / "test", "--help"], capture_output=True, text=True)
    assert usage.returncode == 2
    for part in parts:
        assert part == "all" or re.search(rf"\b{part}\b", usage.stdout), f"./test {part} is in no line of the usage"
    named = re.search(r"bench ([\w|]+)", usage.stdout).group(1).split("|")
    assert sorted(named) == sorted(BENCHES)


@pytest.mark.parametrize("part", ["coverage", "gpu"])
def test_tools_of_the_cuda_backend_can_be_compiled(part):
    """Nothing of them runs here: they need another build, or a GPU."""
    for path in {"coverage": ["tests/tools/gpu_coverage.py"], "gpu": ["tests/bench/bench_gpu.py"]}[part]:
        compile((ROOT / path).read_text(), path, "exec")
