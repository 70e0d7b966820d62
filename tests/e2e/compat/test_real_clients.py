"""The clients that people run, as their authors publish them, unchanged: real_clients.py in an environment of its own."""
import hashlib
import subprocess
import sys

import pytest
from compreface_client import ANY_KEY
from conftest import ROOT, running
from test_compreface_errors import compat_key

LIST, FOLDER = ROOT / "tests/requirements-compat.txt", ROOT / "build/venv-compat"


@pytest.fixture(scope="module")
def python():
    """Made once, by hash: an old client wants an old urllib3, so it cannot be that of the tests."""
    of = hashlib.sha256(LIST.read_bytes()).hexdigest()
    mark = FOLDER / "of"
    if not mark.exists() or mark.read_text() != of:
        subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True, timeout=120)
        made = subprocess.run([FOLDER / "bin/pip", "install", "-q", "--require-hashes", "-r", LIST],
                              capture_output=True, text=True, timeout=300)
        assert made.returncode == 0, made.stderr
        mark.write_text(of)
    return FOLDER / "bin/python"


@pytest.fixture(scope="module")
def folder(photos, tmp_path_factory):
    where = tmp_path_factory.mktemp("photos")
    for name, photo in (("a", "obama"), ("a2", "obama2"), ("a3", "obama3"), ("b", "biden")):
        (where / f"{name}.jpg").write_bytes(photos[f"small_{photo}"])
    return where


def run(python, service, folder, key):
    done = subprocess.run([python, ROOT / "tests/e2e/compat/real_clients.py", str(service.port), folder, key],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_flows(python, shared_service, folder):
    run(python, shared_service, folder, ANY_KEY)
    assert shared_service.fsck() == []


def test_with_a_key(python, folder):
    """The official client with a key of its own; the others need the same rights, and DeepStack's key is another one."""
    with running(settings=("api.access=keys", "compat.compreface=on")) as service:
        key = compat_key(service, "compreface", "door")
        code = (f"import sys; sys.argv[1:] = ['{service.port}', '{folder}', '{key}']\n"
                f"text = open('{ROOT}/tests/e2e/compat/real_clients.py').read().split('\\nofficial()\\n')[0]\n"
                "exec(text); unofficial(); official()")
        from conftest import wait_until
        wait_until(lambda: service.call("GET", "/api/v1/recognition/subjects", headers={"x-api-key": key}).status_code == 200, 10, "the key")
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {one["name"] for one in collections(service)} <= {"door"}


def collections(service):
    from test_compreface_errors import ctl
    key = ctl(service, "key", "create", "--scopes", "read").split()[0]
    from conftest import wait_until
    answer = lambda: service.call("GET", "/api/collections", headers={"Authorization": f"Bearer {key}"})  # noqa: E731
    wait_until(lambda: answer().status_code == 200, 10, "the key")
    return answer().json()["collections"]
