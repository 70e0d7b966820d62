"""./run itself, in a checkout of its own with stand-ins for the compiler's tools: moved, not writable, of another user, without
packages, with wrong words. The programs are those of the tests.
"""
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import ROOT

BUILT = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))


class Checkout:
    def __init__(self, folder):
        before = os.umask(0o022)
        try:
            self.fill(folder)
        finally:
            os.umask(before)

    def fill(self, folder):
        self.folder = folder
        for name in ("run", "config", "clients/demo"):
            source, target = ROOT / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        (folder / "config/install").write_text("#!/bin/sh\necho \"install $*\" >>calls\n")
        (folder / "config/fetch.py").write_text("open('calls', 'a').write('fetch\\n')\n")
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.tool("cmake", 'echo "cmake $*" >>calls; mkdir -p build/release/bin; touch build/release/build.ninja')
        self.tool("ninja", 'echo "ninja $*" >>calls; ln -sf $BUILT/vultus-api build/release/bin/vultus-api')
        self.built = folder / "build/release"
        self.built.mkdir(parents=True)

    def tool(self, name, text):
        (self.tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.tools / name).chmod(0o755)

    def calls(self):
        path = self.folder / "calls"
        return path.read_text() if path.exists() else ""

    def run(self, *words, **more):
        environment = {**os.environ, "BUILT": str(BUILT), "VULTUS_BIN": str(BUILT),
                       "PATH": f"{self.tools}:{ROOT}/build/deps/bin:{os.environ['PATH']}"}
        done = subprocess.run([self.folder / "run", *words], capture_output=True, text=True, timeout=120, env=environment,
                              stdin=subprocess.DEVNULL, **more)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def refusal(self, *words, **more):
        done = self.run(*words, **more)
        lines = done.stderr.splitlines()
        assert done.returncode == 2 and len(lines) == 1, (done.returncode, done.stdout, done.stderr)
        return lines[0]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "c")


KEYS = ["--ctl", "key", "list"]


def test_it_builds_and_starts(checkout, tmp_path):
    done = checkout.run("--data", "mine", *KEYS, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "install build run\nfetch\ncmake --preset release\nninja -C build/release" in checkout.calls()
    assert (tmp_path / "mine/redis").exists(), "a relative folder is meant from where the caller is"
    again = checkout.run(*KEYS, cwd=tmp_path)
    assert again.returncode == 0 and (checkout.folder / "data/redis").exists(), "without --data, beside ./run"
    assert checkout.calls().count("cmake") == 1


def test_a_moved_checkout_is_configured_anew(checkout, tmp_path):
    (checkout.built / "build.ninja").touch()
    (checkout.built / "old.o").touch()
    (checkout.built / "CMakeCache.txt").write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/home/ada/vultus\n")
    done = checkout.run("--data", tmp_path / "d", *KEYS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was at /home/ada/vultus" in done.stdout
    assert "cmake --preset release" in checkout.calls() and not (checkout.built / "old.o").exists()


def test_wrong_words_are_said_before_anything_is_built(checkout):
    assert "no number from 0 to 256" in checkout.refusal("--workers", "-3")
    assert checkout.calls() == ""


def test_what_fails_to_build_is_one_line(checkout, tmp_path):
    checkout.tool("ninja", "echo '[1/2] x'; echo 'a.cpp:3: error: no such thing'; echo more; exit 1")
    line = checkout.refusal("--data", tmp_path / "d")
    assert "cannot be built: a.cpp:3: error: no such thing" in line and "release.log" in line
    (checkout.built / "build.ninja").unlink()
    checkout.tool("cmake", "printf 'CMake Error at CMakeLists.txt:3:\\n  no compiler\\n' >&2; exit 1")
    assert "cannot be configured: CMake Error" in checkout.refusal("--data", tmp_path / "d")
    (checkout.folder / "config/install").write_text("#!/bin/sh\necho 'config/install: root has to do this: apt-get' >&2; exit 1\n")
    done = checkout.run("--data", tmp_path / "d")
    assert done.returncode == 2 and "packages are missing" in done.stderr.splitlines()[-1]


def test_models_that_cannot_be_had_are_one_line(checkout, tmp_path, monkeypatch):
    shutil.copy(ROOT / "config/fetch.py", checkout.folder / "config/fetch.py")
    pip = checkout.folder / "pip"
    (pip / "pip").mkdir(parents=True)
    (pip / "pip/__init__.py").touch()
    (pip / "pip/__main__.py").write_text("print('ERROR: first\\nERROR: no network'); raise SystemExit(1)\n")
    monkeypatch.setenv("PYTHONPATH", str(pip))
    line = checkout.refusal("--data", tmp_path / "d")
    assert line.startswith("fetch: pip could not download") and "ERROR: no network" in line and "--models FOLDER" in line


def test_another_user_than_the_builder(open_folder):
    """One builds, another runs: with a folder of his own it works, without one a line says what to do."""
    checkout, mine, who = Checkout(open_folder / "c"), open_folder / "mine", {}
    mine.mkdir()
    if os.geteuid() == 0:
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        os.chown(mine, 65534, 65534)
    else:
        for folder in (checkout.folder, checkout.folder / "build", checkout.built):
            folder.chmod(0o555)
    assert "nothing is built there: build it as its owner" in checkout.refusal("--data", mine / "d", **who)
    (checkout.folder / "build").chmod(0o755)
    (checkout.folder / "build/models").mkdir()
    (checkout.folder / "build/models").chmod(0o755)
    if not who:
        (checkout.folder / "build").chmod(0o555)
    done = checkout.run("--data", mine / "d", *KEYS, **who)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "what was built there is run as it is" in done.stdout and checkout.calls() == ""
    assert "give --data a folder" in checkout.refusal(*KEYS, **who)
