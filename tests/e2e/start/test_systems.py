"""What differs between systems and machines: names of packages, and a CPU that the programs are not compiled for."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "config"))

import dependencies  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
LISTS = sorted(path for path in (ROOT / "config").glob("packages.*") if path.suffix != ".txt")


def release(tmp_path, system, version):
    path = tmp_path / "os-release"
    path.write_text(f'NAME="Some System"\nID={system}\nVERSION_ID="{version}"\n')
    return path


def install(tmp_path, system, version, *words):
    return subprocess.run([ROOT / "config/install", *words], capture_output=True, text=True,
                          env={**os.environ, "VULTUS_OS_RELEASE": str(release(tmp_path, system, version))})


def rows(path):
    return dict((old.strip(), new.split()) for old, new in
                (line.split("|") for line in path.read_text().splitlines() if "|" in line and not line.startswith("#")))


def words_of_packages():
    lines = [line for line in (ROOT / "config/packages.txt").read_text().splitlines() if line and line[0] not in "#["]
    return {word for line in lines for word in line.split()} - {"unpack"}


def test_there_is_a_list_for_each_system_that_is_named():
    assert {path.name for path in LISTS} == {"packages.debian-13", "packages.ubuntu-24.04", "packages.fedora"}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_a_list_renames_only_what_there_is(path):
    known = words_of_packages() | {row["package"] for row in dependencies.dependencies()}
    assert set(rows(path)) - known == set()
    assert ("Not tried" in path.read_text()) == (path.name != "packages.debian-13")


@pytest.mark.parametrize("system, version, has, lacks", [
    ("debian", "12", "libboost1.81-dev", "libboost1.83-dev"), ("debian", "13", "libboost1.83-dev", "libboost1.81-dev"),
    ("ubuntu", "24.04", "libjpeg-turbo8-dev", "libjpeg62-turbo-dev"), ("fedora", "42", "gcc-c++", "python3-venv"),
])
def test_the_names_are_those_of_the_system(tmp_path, system, version, has, lacks):
    names = install(tmp_path, system, version, "--names", "build", "run").stdout.split()
    assert has in names and lacks not in names and "cmake" in names
    assert len(names) > 35


def test_a_system_whose_names_are_not_known_is_told_so(tmp_path):
    done = install(tmp_path, "plan9", "4", "build")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "plan9-4 are not known (known: debian-12, debian-13, ubuntu-24.04, fedora)" in done.stderr
    assert install(tmp_path, "debian", "12", "--unknown").returncode == 2


def test_what_is_missing_is_listed_and_nothing_installed(tmp_path):
    done = install(tmp_path, "debian", "12", "--missing", "build", "run")
    assert (done.returncode, done.stdout) == (0, "") or os.path.exists("/etc/fedora-release"), done.stdout
    done = install(tmp_path, "ubuntu", "24.04", "--missing", "build")
    assert done.returncode == 1 and "libjpeg-turbo8-dev" in done.stdout.split()


def test_a_library_is_looked_up_by_its_name_here(tmp_path):
    assert dependencies.names_here(release(tmp_path, "debian", "13"))["libdnnl2"] == "libdnnl3.6"
    assert dependencies.names_here(release(tmp_path, "debian", "12")) == {}
    assert dependencies.names_here(tmp_path / "none") == {}


@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="qemu-user makes the CPU (`config/install portable`)")
@pytest.mark.parametrize("name", ["vultus-api", "vultus-broker", "vultus-worker", "vultus-decoder", "vultus-fetcher", "vultus-lfw",
                                  "vultusctl"])
def test_an_old_cpu_is_refused_in_one_line(name):
    done = subprocess.run(["qemu-x86_64", "-cpu", "Nehalem", PROGRAMS / name, "--version"], capture_output=True, text=True)
    said = re.sub(r"^qemu-x86_64: warning.*\n", "", done.stderr, flags=re.M)
    assert (done.returncode, done.stdout) == (2, "") and said.startswith(f"{name}: this CPU has no AVX2"), done
    assert len(said.splitlines()) == 1
