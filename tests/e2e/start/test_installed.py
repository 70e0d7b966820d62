"""`cmake --install` and the .tar.gz: a tree that may lie anywhere, started by its own bin/vultus-run."""
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "config"))

from starting import doctor  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
BUILD = PROGRAMS.parent


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("installed") / "first"
    done = subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--strip"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    moved = prefix.with_name("moved elsewhere")
    prefix.rename(moved)
    return moved


def run(tree, *words, **more):
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("VULTUS_")},
                   "PATH": f"{ROOT}/build/deps/bin:{os.environ['PATH']}", "VULTUS_MODEL_SOURCES": str(ROOT / "build/models"), **more}
    return subprocess.run([tree / "bin/vultus-run", *map(str, words)], capture_output=True, text=True, env=environment, timeout=120)


def test_it_has_what_it_needs_and_no_models(tree):
    names = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert {*(f"bin/{name}" for name in doctor.NAMES), "share/vultus/config/fetch.py", "share/vultus/config/starting/service.py",
            "share/vultus/config/vultus.toml", "share/doc/vultus/LICENSE"} <= names
    assert not any(name.endswith((".dat", ".onnx", ".pyc")) for name in names)
    said = subprocess.run(["grep", "-rlI", str(ROOT), tree], capture_output=True, text=True).stdout
    assert said == "", "a text names the checkout"


def test_it_runs_where_it_lies(tree, tmp_path):
    done = run(tree, "--ctl", "key", "list", VULTUS_HOME=str(tmp_path / "h"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "h/models/centerface.onnx").exists() and (tmp_path / "h/data/redis").exists()
    link = tmp_path / "vultus-run"
    link.symlink_to(tree / "bin/vultus-run")
    done = subprocess.run([link, "--help"], capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert done.returncode == 0 and "--doctor" in done.stdout, done.stderr


def test_models_that_cannot_be_had_are_one_line(tree, tmp_path):
    done = run(tree, "--ctl", "key", "list", VULTUS_HOME="/proc/vultus")
    assert done.returncode != 0 and len(done.stderr.splitlines()) == 1, done.stderr


def test_the_tarball_is_the_same_tree(tmp_path):
    done = subprocess.run(["cpack", "--config", BUILD / "CPackConfig.cmake", "-B", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [packed] = tmp_path.glob("vultus-*.tar.gz")
    with tarfile.open(packed) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames() if "/" in name]
    assert {"bin/vultus-run", "bin/vultus-api", "share/vultus/config/supervisor.py"} <= set(names)
