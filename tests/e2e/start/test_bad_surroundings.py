"""Starting where it cannot work: one line that says why and what to do, exit code 2, nothing left running."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from conftest import ROOT, free_port, wait_until

SUPERVISOR = ROOT / "config/supervisor.py"
BUILT = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
ENVIRONMENT = {**os.environ, "VULTUS_BIN": str(BUILT), "PATH": f"{ROOT}/build/deps/bin:{os.environ['PATH']}"}


def begin(*words, environment=None, before=(), **more):
    """Its exit code and its lines."""
    done = subprocess.run([*before, sys.executable, SUPERVISOR, *map(str, words)], capture_output=True, text=True, timeout=150,
                          stdin=subprocess.DEVNULL, env={**ENVIRONMENT, **(environment or {})}, **more)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def refused(*words, wanted=(), **more):
    code, lines = begin(*words, **more)
    assert code == 2 and len(lines) == 1, (code, lines)
    assert "Traceback" not in lines[0] and lines[0].startswith("vultus: "), lines
    for part in wanted:
        assert part in lines[0], (part, lines)
    return lines[0]


@pytest.fixture
def data(tmp_path):
    yield tmp_path / "d"
    left = [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in read_quietly(path)]
    assert left == [], "nothing is left running"


def read_quietly(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


# ---- words ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, part", [
    (["--workers", "-3"], "--workers: '-3' is no number from 0 to 256"),
    (["--workers", "many"], "no number from 0 to 256"),
    (["--workers", "99999999999999999999"], "no number from 0 to 256"),
    (["--port", "65536"], "--port: '65536' is no number from 0 to 65535"),
    (["--port", "http"], "no number from 0 to 65535"),
    (["--redis-port", "-1"], "no number from 0 to 65535"),
    (["--colour"], "--colour"),
    (["start"], "unrecognized arguments: start"),
    (["--data", ""], "--data names no folder"),
    (["--set", "redis.password=hunter2"], "redis.password_file"),
    (["--device", "tpu"], "worker.device"),
    (["--set", "api.prot=1"], "api.prot: unknown setting"),
    (["--set", "api.port"], "must be section.key=value"),
    (["--set", "api.port=70000"], "from 0 to 65535"),
    (["--config", "nowhere.toml"], "nowhere.toml: cannot be read"),
    (["--set", "redis.password_file=/nowhere"], "/nowhere does not exist"),
    (["--set", "common.encryption_key_file=/nowhere/key"], "/nowhere/key does not exist"),
    (["--set", "api.tls_certificate=/nowhere.pem", "--set", "api.tls_key=/nowhere.key"], "/nowhere"),
    (["--set", "api.bind=photos.example", "--set", "api.insecure=true"], "is not an address"),
    (["--set", "api.bind=192.0.2.1", "--set", "api.insecure=true"], "errno 99"),
    (["--set", "api.bind=0.0.0.0"], "./run --ctl key create"),
    (["--set", "api.access=keys"], "./run --ctl user add"),
    (["--set", "worker.models=/nowhere"], "is missing, empty or unreadable: run config/fetch.py models"),
    (["--set", "worker.calibration=/nowhere"], "/nowhere"),
    (["--set", 'common.broker_api_endpoints=["udp://x"]'], "ipc:// or tcp://"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_wrong_word(data, words, part):
    given = [] if "--data" in words else ["--data", data]
    line = refused(*given, "--port", free_port(), *words, wanted=[part])
    assert "hunter2" not in line.replace("redis.password=hunter2", "") or "argument" in line


def test_a_settings_file_that_is_none(data, tmp_path):
    for text, part in (("[api\n", ":1:"), ("[api]\nport = 'x'\n", ":2: api.port"), ("\0\1", "v.toml")):
        (tmp_path / "v.toml").write_text(text)
        refused("--data", data, "--config", tmp_path / "v.toml", wanted=[part])
    refused("--data", data, "--config", tmp_path, wanted=["cannot be read"])


# ---- folders ----------------------------------------------------------------------------------------------

def test_a_folder_that_cannot_be_made():
    refused("--data", "/proc/vultus", wanted=["/proc/vultus", "--data"])
    refused("--data", "/dev/null", wanted=["/dev/null", "--data"])
    refused("--data", "/dev/null/below", wanted=["/dev/null", "--data"])
    refused("--data", "/sys/kernel", wanted=["/sys/kernel", "--data"])


def test_a_folder_of_another_user_or_open_to_others(data, tmp_path):
    data.mkdir()
    (data / "holiday.jpg").touch()
    data.chmod(0o777)
    refused("--data", data, wanted=["others may write into", "a folder of its own"])
    assert (data.stat().st_mode & 0o777) == 0o777, "it holds other things: it is not touched"
    data.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)
        refused("--data", data, wanted=["belongs to nobody", "start as its owner"])


def test_a_file_where_a_folder_is_to_be(data):
    data.mkdir()
    (data / "run").touch()
    refused("--data", data, wanted=[str(data / "run"), "--data"])


def test_a_path_too_long_for_a_socket(tmp_path):
    refused("--data", tmp_path / ("d" * 120), wanted=["too long", "shorter --data"])


def test_a_full_disk(tmp_path):
    """A file system of its own, 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"mount -t tmpfs -o size=1m,mode=700 none {disk} && exec \"$@\""
    before = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "bash", "-c", script, "bash"]
    refused("--data", disk / "d", before=before, wanted=["the disk is full", "make room"])


def test_a_disk_that_cannot_be_written(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"mount -t tmpfs -o size=32m,ro none {disk} && exec \"$@\""
    before = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "bash", "-c", script, "bash"]
    refused("--data", disk / "d", before=before, wanted=["Read-only file system", "--data"])


# ---- programs ---------------------------------------------------------------------------------------------

def test_no_redis_server(data, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "env", "openssl"):
        (tools / name).symlink_to(shutil.which(name))
    refused("--data", data, environment={"PATH": str(tools)}, wanted=["no redis-server in PATH", "apt-get install redis-tools"])


def test_no_programs_or_others(data, tmp_path):
    refused("--data", data, environment={"VULTUS_BIN": str(tmp_path / "nowhere")}, wanted=["vultus-broker is not there", "./run builds"])
    old = tmp_path / "old"
    old.mkdir()
    for name in ("vultus-broker", "vultus-api", "vultus-worker"):
        (old / name).write_text("#!/bin/sh\necho the settings are valid\n")
        (old / name).chmod(0o755)
    refused("--data", data, environment={"VULTUS_BIN": str(old)}, wanted=["another version"])
    (old / "vultus-broker").write_text("no program")
    refused("--data", data, environment={"VULTUS_BIN": str(old)}, wanted=["vultus-broker", "cannot be run"])


def test_a_redis_that_says_no(data, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "redis-server").write_text("#!/bin/sh\necho 'redis-server: no such memory'\nexit 1\n")
    (tools / "redis-server").chmod(0o755)
    refused("--data", data, "--port", free_port(), environment={"PATH": f"{tools}:{ENVIRONMENT['PATH']}"},
            wanted=["redis cannot start", "no such memory"])


def test_a_broken_append_only_file(data):
    (data / "redis/appendonlydir").mkdir(parents=True)
    (data / "redis/appendonlydir/appendonly.aof.manifest").write_text("nonsense\n")
    refused("--data", data, wanted=["redis cannot start", "redis.log"])


# ---- ports, keys and secrets ------------------------------------------------------------------------------

def test_busy_ports(data):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        refused("--data", data, "--port", port, "--workers", 0, wanted=[f"api.port = {port}", "errno 98", "choose another api.port"])
        refused("--data", data, "--port", free_port(), "--redis-port", port, wanted=["redis cannot start", str(port), "Address already", "--redis-port"])


def test_a_socket_path_that_a_folder_takes(data):
    (data / "run/redis.sock").mkdir(parents=True)
    refused("--data", data, wanted=["redis cannot start"])


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640])
def test_secrets_that_others_read(data, tmp_path, mode):
    secret = tmp_path / "secret"
    secret.write_text("a" * 64 + "\n")
    secret.chmod(mode)
    for setting in ("redis.password_file", "common.encryption_key_file", "curve.key_file"):
        more = ["--set", "curve.allow_list=/nowhere", "--set", f"curve.broker_key={'0' * 64}"] if "curve" in setting else []
        refused("--data", data, "--set", f"{setting}={secret}", *more, wanted=[str(secret), "chmod 600"])
    certificate = tmp_path / "c.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=x", "-keyout", secret, "-out", certificate], check=True, capture_output=True)
    secret.chmod(mode)
    refused("--data", data, "--set", f"api.tls_certificate={certificate}", "--set", f"api.tls_key={secret}", "--port", free_port(),
            wanted=[str(secret), "chmod 600"])


def test_secrets_in_an_open_folder_or_of_somebody_else(data, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    secret = folder / "secret"
    secret.write_text("a" * 64 + "\n")
    secret.chmod(0o600)
    words = ["--data", data, "--set", f"common.encryption_key_file={secret}"]
    folder.chmod(0o777)
    refused(*words, wanted=[str(folder), "chmod go-w"])
    folder.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(secret, 65534, 65534)
        refused(*words, wanted=[str(secret), "belongs to another user"])


def test_a_password_of_redis_that_others_read(data):
    (data / "run").mkdir(parents=True)
    data.chmod(0o700)
    (data / "run/redis.password").write_text("word")
    if os.geteuid() == 0:
        os.chown(data / "run/redis.password", 65534, 65534)
        refused("--data", data, "--redis-port", free_port(), wanted=["redis.password", "another user"])


def test_programs_that_nobody_may_start_as(open_folder):
    """As a user who owns nothing here, and may read nothing of it."""
    if os.geteuid() != 0:
        return  # the tests of folders above are this one then
    refused("--data", open_folder / "d", user="nobody", group="nogroup", extra_groups=[], wanted=["nobody cannot keep data there"])


def test_stopped_while_it_starts_leaves_nothing(data):
    process = subprocess.Popen([sys.executable, SUPERVISOR, "--data", data, "--port", str(free_port())], env=ENVIRONMENT,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with contextlib.suppress(ProcessLookupError):
        wait_until((data / "run").exists, what="the folder")
        process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=90)
    assert process.returncode in (0, 2) and "Traceback" not in said, said
