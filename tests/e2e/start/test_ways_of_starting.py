"""What a start promises: the service that is said to be ready is this one, at the address that the settings say; nobody who stops
reading its output, closes the terminal or kills the supervisor leaves half a service behind.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

import pytest
import requests
from conftest import ROOT, Service, free_port, running, wait_until, waits_for_lock

SUPERVISOR = ROOT / "config/supervisor.py"
ENVIRONMENT = {"VULTUS_BIN": str(ROOT / "build/e2e/bin"), **os.environ, "PATH": f"{ROOT}/build/deps/bin:{os.environ['PATH']}"}
PROGRAMS = pathlib.Path(ENVIRONMENT["VULTUS_BIN"])


class Started:
    """A supervisor with words of one's own, whose output goes to a file or to where `out` says."""

    def __init__(self, data, *words, out=None, cwd=None, workers=True):
        self.data = pathlib.Path(data) if data else None
        self.folder = tempfile.TemporaryDirectory(prefix="vultus-out-")
        self.file = pathlib.Path(self.folder.name) / "out"
        command = [sys.executable, SUPERVISOR, *(("--data", data) if data else ()), *(() if workers else ("--workers", "0")), *words]
        with open(self.file, "wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=out or log, stderr=out or log, env=ENVIRONMENT,
                                            cwd=cwd, start_new_session=True)

    def said(self):
        return self.file.read_text(errors="replace")

    def ready(self):
        def look():
            assert self.process.poll() is None, self.said()
            return re.search(r"^ready (\S+)$", self.said(), re.M)
        return wait_until(look, 120, "ready").group(1)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(90)

    def children(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        names = {}
        for pid in text.split():
            with contextlib.suppress(OSError):
                names[pathlib.Path(f"/proc/{pid}/comm").read_text().strip()] = int(pid)
        return names


@contextlib.contextmanager
def started(*words, **more):
    with tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        one = Started(pathlib.Path(folder) / "d", *words, **more)
        try:
            yield one
        finally:
            one.stop()


def get(url, path="/healthz/ready", **more):
    try:
        return requests.get(url + path, timeout=5, **more)
    except requests.RequestException:
        return None


def is_over(pid):
    """Ended, if perhaps nobody has asked for its exit code yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def is_ready(url):
    answer = get(url)
    return answer is not None and answer.status_code == 200


# ---- readiness is this instance's -------------------------------------------------------------------------

def test_another_service_on_the_port_is_not_taken_for_this_one():
    with started("--port", "0", workers=False) as first, tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        first_url = first.ready()
        port = first_url.rpartition(":")[2]
        second = Started(pathlib.Path(folder) / "d", "--port", port, workers=False)
        assert second.process.wait(60) == 2
        lines = second.said().splitlines()
        assert len(lines) == 1 and not lines[0].startswith("ready"), lines
        for word in ("127.0.0.1", port, "errno 98", "choose another"):
            assert word in lines[0], lines
        assert is_ready(first_url)


def test_the_health_answer_says_which_instance_it_is():
    with tempfile.TemporaryDirectory(prefix="vultus-") as data:
        os.mkdir(f"{data}/run")
        address = pathlib.Path(data) / "address"
        process = subprocess.Popen([PROGRAMS / "vultus-api", "--set", f"common.data={data}", "--set", "api.port=0"], cwd=ROOT,
                                   stderr=subprocess.DEVNULL,
                                   env={**ENVIRONMENT, "VULTUS_INSTANCE": "one-of-two", "VULTUS_ADDRESS_FILE": str(address)})
        try:
            wait_until(address.exists, what="the address")
            url = address.read_text().strip()
            for path, status in (("/healthz/live", 200), ("/healthz/ready", 503)):  # there is no Redis
                answer = get(url, path)
                assert (answer.status_code, answer.headers["Vultus-Instance"]) == (status, "one-of-two"), path
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.parametrize("words", [("--set", "api.bind=127.0.0.2"), ("--set", "api.bind=::1"), ("--set", "api.bind=localhost"),
                                   ("--set", "api.bind=::", "--set", "api.insecure=true"),
                                   ("--set", "api.bind=0.0.0.0", "--set", "api.insecure=true")], ids=lambda words: words[1])
def test_every_address_to_bind_gets_ready_and_is_reached_by_it(words):
    with started("--port", "0", *words, workers=False) as one:
        url = one.ready()
        port = int(url.rpartition(":")[2])
        assert port > 0 and is_ready(url)
        if "api.insecure=true" in words:  # every address of this machine, of the family or the families it has
            own = {"127.0.0.1", "127.0.0.2", *socket.gethostbyname_ex(socket.gethostname())[2]}
            for name in sorted(own | ({"[::1]", "[::ffff:127.0.0.1]"} if words[1] == "api.bind=::" else set())):
                assert get(f"http://{name}:{port}").status_code == 200, name
            assert get(f"http://127.0.0.1:{port}", headers={"Host": "evil.example"}).status_code == 421


def test_a_free_port_is_told_and_kept_when_the_api_is_started_again():
    with started("--port", "0", workers=False) as one:
        url = one.ready()
        os.kill(one.children()["vultus-api"], signal.SIGKILL)
        wait_until(lambda: "api started again" in one.said(), what="another api")
        wait_until(lambda: is_ready(url), what="the api at its port")


def test_what_the_settings_file_says_holds_unless_a_word_names_it(tmp_path):
    port, other = free_port(), free_port()
    settings = tmp_path / "v.toml"
    settings.write_text(f'[common]\ndata = "{tmp_path}/from-file"\n[api]\nport = {port}\n[worker]\ndevice = "cpu"\nvision_threads = 1\n')
    one = Started(None, "--config", "v.toml", cwd=tmp_path)
    try:
        assert one.ready() == f"http://127.0.0.1:{port}"
        status = get(f"http://127.0.0.1:{port}", "/api/status").json()
        assert [worker["device"] for worker in status["workers"]] == ["cpu"]
        assert (tmp_path / "from-file/run/redis.sock").exists()
    finally:
        assert one.stop() == 0
    named = Started(tmp_path / "named", "--config", settings, "--port", other, workers=False)
    try:
        assert named.ready() == f"http://127.0.0.1:{other}"
        assert (tmp_path / "named/run/redis.sock").exists()
    finally:
        assert named.stop() == 0


def test_a_relative_folder_is_meant_from_where_the_caller_is(tmp_path):
    one = Started("mine", "--port", "0", cwd=tmp_path, workers=False)
    try:
        wait_until((tmp_path / "mine/run/api.address").exists, 60, "the folder")
    finally:
        assert one.stop() == 0


def test_a_folder_with_blanks_and_other_letters_works(tmp_path):
    one = Started(tmp_path / "my data é # 'x'", "--port", "0")
    try:
        assert is_ready(one.ready())
    finally:
        assert one.stop() == 0


def test_print_config_is_what_runs():
    done = subprocess.run([PROGRAMS / "vultus-api", "--set", "api.port=4711", "--set", "redis.password=hunter2", "--print-config"],
                          capture_output=True, text=True)
    settings = json.loads(done.stdout)
    assert settings["api"]["port"] == 4711 and settings["redis"]["socket"] == "data/run/redis.sock"
    assert "hunter2" not in done.stdout
    for name in ("vultus-broker", "vultus-worker"):
        assert json.loads(subprocess.run([PROGRAMS / name, "--print-config"], capture_output=True, text=True).stdout)["worker"]["k"] == 3


# ---- whoever reads, and the terminal ----------------------------------------------------------------------

def test_a_reader_that_leaves_ends_nothing():
    """`./run | head -1`."""
    reading, writing = os.pipe()
    with started("--port", "0", out=writing) as one:
        os.close(writing)
        url = os.read(reading, 4096).decode().split()[1]
        os.close(reading)
        os.kill(one.children()["vultus-worker"], signal.SIGKILL)
        log = one.data / "log/supervisor.log"
        wait_until(lambda: "worker-1 started again" in log.read_text(), what="another worker")
        assert is_ready(url) and one.process.poll() is None
        assert one.stop() == 0
        assert log.read_text().rstrip().endswith("stopped")


def test_a_reader_that_does_not_read_holds_nothing():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    with started("--port", "0", out=writing, workers=False) as one:
        os.close(writing)
        log = one.data / "log/supervisor.log"
        wait_until(lambda: log.exists() and "ready http" in log.read_text(), 60, "ready")
        assert one.stop() == 0
    os.close(reading)


@pytest.mark.parametrize("output", ["/dev/full", "closed"])
def test_output_that_cannot_be_written_ends_nothing(tmp_path, output):
    command = f"exec {sys.executable} {SUPERVISOR} --port 0 --workers 0 --data {tmp_path}/d " + (
        ">&- 2>&-" if output == "closed" else ">/dev/full 2>&1")
    process = subprocess.Popen(["bash", "-c", command], env=ENVIRONMENT)
    try:
        log = tmp_path / "d/log/supervisor.log"
        wait_until(lambda: log.exists() and "ready http" in log.read_text(), 60, "ready")
        assert is_ready(log.read_text().split()[-1])
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_a_closed_terminal_ends_nothing():
    with started("--port", "0") as one:
        url = one.ready()
        before = one.children()
        for pid in (one.process.pid, *before.values()):
            os.kill(pid, signal.SIGHUP)
        one.process.send_signal(signal.SIGHUP)
        assert is_ready(url)
        os.kill(before["vultus-broker"], signal.SIGKILL)  # and it still looks after its children
        wait_until(lambda: "broker started again" in one.said(), what="another broker")
        now = one.children()
        assert {name: pid for name, pid in now.items() if name != "vultus-broker"} == {
            name: pid for name, pid in before.items() if name != "vultus-broker"}
        assert one.stop() == 0


# ---- one service in a folder ------------------------------------------------------------------------------

def test_a_service_in_use_is_named_with_its_process():
    with started("--port", "0", workers=False) as one:
        one.ready()
        done = subprocess.run([sys.executable, SUPERVISOR, "--data", one.data], env=ENVIRONMENT, capture_output=True, text=True)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
        assert "in use by another ./run" in done.stderr and f"kill {one.process.pid}" in done.stderr


def test_children_end_with_a_killed_supervisor_and_the_next_start_waits_for_them():
    with started("--port", "0") as one:
        one.ready()
        one.process.kill()
        second = Started(one.data, "--port", "0")
        try:
            assert is_ready(second.ready())
        finally:
            assert second.stop() == 0


def test_two_redis_never_run_on_one_file():
    """The supervisor is killed while its Redis hangs."""
    with started("--port", "0", workers=False) as one:
        one.ready()
        redis = one.children()["redis-server"]
        os.kill(redis, signal.SIGSTOP)
        one.process.kill()
        one.process.wait()
        second = Started(one.data, "--port", "0", workers=False)
        try:
            wait_until(lambda: f"in use by redis-server (pid {redis})" in second.said(), what="the line")
            assert "ready" not in second.said()
            third = subprocess.Popen([ROOT / "config/redis", ROOT / "config/redis.conf", one.data / "redis"], env=ENVIRONMENT)
            wait_until(lambda: waits_for_lock(third), what="not by another way of starting either: it waits for the lock")
            third.kill()
            third.wait()
            os.kill(redis, signal.SIGCONT)
            assert is_ready(second.ready())
            assert is_over(redis)
        finally:
            second.stop()


def test_a_lock_is_refused_with_what_holds_it_once_waiting_is_no_longer_wanted():
    with started("--port", "0", workers=False) as one:
        one.ready()
        redis = one.children()["redis-server"]
        os.kill(redis, signal.SIGSTOP)
        one.process.kill()
        one.process.wait()
        second = Started(one.data, "--port", "0", workers=False)
        wait_until(lambda: "waiting until it ends" in second.said(), what="the line")
        second.process.terminate()
        assert second.process.wait(30) == 2
        assert f"kill -9 {redis}" in second.said().splitlines()[-1]
        os.kill(redis, signal.SIGKILL)


def test_a_renewed_certificate_is_read_at_sighup_of_the_supervisor(tmp_path):
    for name in ("old", "new"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"],
                       check=True, capture_output=True)
        os.chmod(tmp_path / f"{name}.key", 0o600)
    used = {kind: tmp_path / f"used.{kind}" for kind in ("pem", "key")}

    def use(name):
        for kind, path in used.items():
            (tmp_path / f"next.{kind}").write_bytes((tmp_path / f"{name}.{kind}").read_bytes())
            os.chmod(tmp_path / f"next.{kind}", 0o600)
            (tmp_path / f"next.{kind}").rename(path)
    use("old")
    with running(workers=0, settings=[f"api.tls_certificate={used['pem']}", f"api.tls_key={used['key']}"]) as one:
        assert f"ready https://127.0.0.1:{one.port}" in one.said()
        use("new")
        log = one.data / "log/api.log"
        assert log.read_text().count("certificate_loaded") == 1
        one.process.send_signal(signal.SIGHUP)
        wait_until(lambda: log.read_text().count("certificate_loaded") == 2, what="the new certificate")


def test_stopping_before_it_is_ready_is_no_failure(tmp_path):
    one = Started(tmp_path / "d", "--port", "0", workers=False)
    wait_until((tmp_path / "d/run/redis.sock").exists, 60, "Redis")
    assert one.stop() == 0
    again = Service(tmp_path / "d", workers=0)
    again.wait_ready()
    assert again.stop() == 0
