"""What other users of the machine can see of a run: no secret on a command line, and no file, folder or socket of it at all. Also
where an earlier version has left them open, and whatever umask starts it.
"""
import os
import pathlib
import re
import stat
import subprocess
import sys

import pytest
from conftest import ROOT, before_start, free_port, running

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))


def family(pid):
    """The process and all below it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def open_to_others(top):
    return [f"{stat.S_IMODE(path.lstat().st_mode):o} {path}" for path in (top, *top.rglob("*")) if path.lstat().st_mode & 0o077]


def secrets_below(data):
    """The words of all files that hold a secret."""
    found = set()
    for path in [*data.rglob("*.password"), *data.rglob("*.secret"), *data.rglob("*.acl")]:
        found |= {word for word in re.split(r"\s+|#", path.read_text()) if re.fullmatch(r"[0-9a-f]{32,}", word)}
    return found


@pytest.mark.parametrize("words", [["--redis-port"], ["--redis-users"], ["--curve"], ["--redis-port", "--redis-users", "--curve"]],
                         ids=" ".join)
def test_no_secret_is_on_a_command_line_and_no_file_is_open(words, photos):
    port = free_port()
    given = [word for one in words for word in ([one, str(port)] if one == "--redis-port" else [one])]
    with running(words=given) as service:
        service.train("Ada", photos["small_obama"])
        secrets = secrets_below(service.data)
        assert len(secrets) >= 2, "each of these ways has some"
        processes = family(service.process.pid)
        names = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in processes}
        assert {"redis-server", "vultus-broker", "vultus-worker", "vultus-api", "vultus-decoder"} <= names
        for pid in processes:
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            assert [word for word in secrets if word in line] == [], line
            environment = pathlib.Path(f"/proc/{pid}/environ")
            assert not stat.S_IMODE(environment.stat().st_mode) & 0o077
        assert open_to_others(service.data) == []
        if "--redis-port" in words:
            with_password = ["redis-cli", "-p", str(port), "PING"]
            assert "NOAUTH" in subprocess.run(with_password, capture_output=True, text=True).stdout
            word = (service.data / "run/redis.password").read_text()
            done = subprocess.run(with_password, capture_output=True, text=True, env={**os.environ, "REDISCLI_AUTH": word})
            assert done.stdout == "PONG\n"


def test_a_password_given_on_a_command_line_does_not_stay_there(tmp_path):
    (tmp_path / "run").mkdir()
    process = subprocess.Popen([PROGRAMS / "vultus-broker", "--set", f"common.data={tmp_path}", "--set", "redis.password=hunter2"],
                               stderr=subprocess.PIPE, text=True)
    try:
        assert "listening" in process.stderr.readline()
        line = pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
        assert "hunter2" not in line and "redis.password=xxxxxxx" in line
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_data_that_were_open_are_so_no_more(photos):
    before = os.umask(0)
    try:
        with running() as service:
            service.train("Ada", photos["small_obama"])
            data = service.data
            own = f"666 {data}/supervisor.log"  # the output of ./run, which this test opened
            assert [line for line in open_to_others(data) if line != own] == [], "whatever umask"
            assert service.stop() == 0
            for path in (data, *data.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            mended = before_start(data, "key", "list")
            assert mended.returncode == 0, mended.stderr
            assert open_to_others(data) == []
    finally:
        os.umask(before)


def test_a_link_in_the_data_leads_nowhere_else(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").touch()
    other.chmod(0o755)
    (other / "file").chmod(0o644)
    data = tmp_path / "d"
    (data / "log").mkdir(parents=True)
    (data / "log/link").symlink_to(other / "file")
    (data / "log/folder").symlink_to(other)
    before_start(data, "key", "list")
    assert (other.stat().st_mode & 0o777, (other / "file").stat().st_mode & 0o777) == (0o755, 0o644)


@pytest.mark.parametrize("program", ["vultus-api", "vultus-broker"])
def test_a_program_by_itself_makes_no_open_file(tmp_path, program):
    (tmp_path / "run").mkdir(mode=0o700)
    process = subprocess.Popen([PROGRAMS / program, "--set", f"common.data={tmp_path}", "--set", "api.port=0"], umask=0, cwd=ROOT,
                               stderr=subprocess.PIPE, text=True)
    try:
        assert any("listening" in line for line in iter(process.stderr.readline, ""))
        assert [line for line in open_to_others(tmp_path) if "/run/" in line or ".secret" in line] == []
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_vultusctl_makes_no_open_file(tmp_path):
    for words in (["encryption-key", tmp_path / "k"], ["--keys", tmp_path / "keys", "curve", "make", "b", "--role", "broker"]):
        done = subprocess.run([PROGRAMS / "vultusctl", *words], umask=0, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert [line for line in open_to_others(tmp_path) if not line.endswith((".public", "/allowed", str(tmp_path)))] == []


def test_redis_by_itself_makes_no_open_file_and_mends_those_of_before(tmp_path):
    folder = tmp_path / "redis"
    (folder / "appendonlydir").mkdir(parents=True)
    (folder / "appendonlydir").chmod(0o755)
    process = subprocess.Popen([ROOT / "config/redis", ROOT / "config/redis.conf", folder, "--unixsocket", tmp_path / "redis.sock"],
                               umask=0, stdout=subprocess.PIPE, text=True)
    try:
        assert any("ready to accept connections" in line for line in process.stdout)
        assert open_to_others(folder) == []
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_the_demo_leaves_its_folder_to_nobody(tmp_path):
    """It is told where its temporary folder goes, and is stopped before it has removed it."""
    process = subprocess.Popen([sys.executable, ROOT / "clients/demo/demo.py", "--start", "--workers", "1"], umask=0, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        assert "photo" in process.stdout.readline()  # the table's head: the service is ready
        [data] = tmp_path.iterdir()
        assert (data / "run/redis.sock").exists() and open_to_others(data) == []
    finally:
        process.communicate(timeout=300)
    assert process.returncode == 0
