"""The Python client as packages: they are made and checked by the tools of tests/requirements-package.txt, without a
network, and what a user installs is the command and all of the library."""
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from bad_service import BadService, http
from conftest import ROOT

TOOLS = ROOT / "build/venv-package/bin"
SOURCES = {path.name for path in (ROOT / "clients/python/vultus").iterdir() if path.suffix in (".py", ".typed")}


def ran(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **more)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The folder with the wheel and the sdist, made from a copy: a build leaves files beside its sources."""
    if not TOOLS.exists():
        pytest.skip("no build/venv-package: ./test makes it")
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT / "clients/python", folder / "python", ignore=shutil.ignore_patterns("__pycache__"))
    made = ran(TOOLS / "python", "-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "python")
    assert made.returncode == 0 and "deprecated" not in made.stdout + made.stderr, made.stdout + made.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def installed(packages, tmp_path_factory):
    """Runs the installed command."""
    folder = tmp_path_factory.mktemp("installed")
    [wheel] = packages.glob("*.whl")
    done = ran(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", folder, wheel)
    assert done.returncode == 0, done.stderr
    return lambda *words: ran(folder / "bin/vultus", *words, env={**os.environ, "PYTHONPATH": str(folder)}, cwd=folder)


def test_twine_finds_nothing(packages):
    checked = ran(TOOLS / "twine", "check", "--strict", *packages.iterdir())
    assert checked.returncode == 0 and checked.stdout.count("PASSED") == 2, checked.stdout


def test_both_have_every_file_and_the_licence(packages):
    [wheel], [sdist] = packages.glob("*.whl"), packages.glob("*.tar.gz")
    inside = zipfile.ZipFile(wheel).namelist()
    assert {name.removeprefix("vultus/") for name in inside if name.startswith("vultus/")} == SOURCES
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    with tarfile.open(sdist) as archive:
        files = {one.name.split("/", 1)[-1]: archive.extractfile(one).read() for one in archive if one.isfile()}
    assert {f"vultus/{name}" for name in SOURCES} | {"README.md", "LICENSE", "pyproject.toml"} <= set(files)
    assert files["LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_command_is_installed(installed):
    assert installed("--version").stdout == "vultus 0.1.0\n"
    assert "complete -o default -F _vultus vultus" in installed("--completion", "bash").stdout
    assert installed("recognize").returncode == 2


RESULT = {"image": {"width": 1, "height": 1}, "faces": [], "gallery": {"version": 1}, "timing_ms": {}}
JOB = {"id": "1", "type": "recognize", "state": "succeeded", "collection": "default", "attempt": 1, "result": RESULT}


def answers(request, _):
    if b"GET /api/faces" in request:
        return http("200 OK", '{"faces":[{"label":"Ada","count":1,"person_id":"p"}]}')
    if b"bad!" in request:  # no boundary of a form has that
        return http("415 Unsupported Media Type", '{"type":"/problems/unsupported_media","title":"no photo"}')
    return http("200 OK", json.dumps(JOB))


def test_a_bad_file_has_its_line_and_the_others_go_on(installed, tmp_path):
    for name in ("good", "bad", "best"):
        (tmp_path / name).write_text(f"{name}!")
    paths = [str(tmp_path / name) for name in ("none", "good", "bad", "best")]
    with BadService(answers) as service:
        done = installed("--url", service.url, "recognize", *paths)
        assert done.returncode == 1 and done.stdout == f"{paths[1]}\tno face\n{paths[3]}\tno face\n", done
        first, second, last = done.stderr.splitlines()
        assert paths[0] in first and paths[2] in second and last == "vultus: 4 photos: 2 done, 2 failed"
        done = installed("--url", service.url, "recognize", "--json", *paths)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["photo"] for line in lines] == paths and done.returncode == 1
        assert [line.get("error", {}).get("code") for line in lines] == ["unreadable", None, "unsupported_media", None]
        assert json.loads(installed("--url", service.url, "people", "--json").stdout) == {
            "label": "Ada", "person_id": "p", "count": 1}
        assert installed("--url", service.url, "recognize", paths[1]).stderr == ""


def test_a_photo_and_a_person_are_compared(installed, tmp_path):
    (tmp_path / "1.jpg").write_text("good")
    with BadService(answers) as service:
        installed("--url", service.url, "verify", tmp_path / "1.jpg", "--person", "Ada")
        assert b"POST /api/verify" in service.asked[0] and b"Ada" in service.asked[0]


def test_the_quality_is_sent(installed, tmp_path):
    (tmp_path / "1.jpg").write_text("good")
    with BadService(answers) as service:
        installed("--url", service.url, "train", "Ada", "--quality", "strict", tmp_path / "1.jpg")
        assert b"strict" in service.asked[0]
