"""A whole service for the tests: ./run's supervisor over the programs of VULTUS_BIN, on a free port, in a
temporary folder; and a client that speaks to it as people do. Everything started here is ended by pid.
"""
import contextlib
import io
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest
import redis
import requests
from PIL import Image

os.umask(0o077)  # what tests write is as closed as what they start: programs refuse secrets that are not
ROOT = pathlib.Path(__file__).resolve().parents[2]
# Tests use helpers and fixtures of other folders of this one.
sys.path[:0] = [str(folder) for folder in pathlib.Path(__file__).resolve().parent.iterdir() if folder.is_dir()]
PHOTOS = ROOT / "build/photos"
TERMINAL = {"succeeded", "failed", "dead", "cancelled"}
PREFIX = "vultus:{0}:"
# The stories that are not about the defaults of a new service name their models, so that what they expect of distances and
# boxes does not change with the models that a machine has.
PINNED = ("worker.default_detector=hog", "worker.default_embedder=dlib_resnet_v1/mirror_unit")
TAKEN = []  # sockets: the names of this process' ports


def free_port():
    """A port that no other process of the tests gets before this one ends: ctest runs several stories at once, and what was
    free a moment ago may be somebody's by now. Below those that the kernel itself gives away."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 1_000):
        name, probe = socket.socket(socket.AF_UNIX), socket.socket()
        try:
            name.bind(f"\0vultus-port-{port}")  # in no folder; whoever has it has the port
            probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        finally:
            probe.close()
        TAKEN.append(name)
        return port
    raise AssertionError("no port from 20000 to 31999 is free")


def wait_until(condition, seconds=60, what="the condition"):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.02)


class Service:
    """One running service. `pids(name)` gives the live processes of one program. `prefix` runs the supervisor.
    `defaults` are the settings that propose the default models; (): what the programs propose by themselves."""

    def __init__(self, data, workers=1, settings=(), environment=None, words=(), prefix=(), defaults=PINNED):
        self.data, self.port = pathlib.Path(data), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [*prefix, sys.executable, str(ROOT / "config/supervisor.py"), "--port", str(self.port),
                   "--data", str(data), "--workers", str(workers), *words]
        for setting in ("api.drain_grace_ms=0", *defaults, *settings):  # nobody is told where to go instead
            command += ["--set", setting]
        env = {"VULTUS_BIN": str(ROOT / "build/e2e/bin"), **os.environ, **(environment or {})}
        env["PATH"] = f"{ROOT}/build/deps/bin:{env['PATH']}"
        self.output = open(self.data / "supervisor.log", "w+b")
        self.process = subprocess.Popen(command, stdout=self.output, stderr=self.output, env=env,
                                        start_new_session=True)
        self.http = requests.Session()

    def wait_ready(self, seconds=120):
        def ready():
            assert self.process.poll() is None, self.said() + self.logs()
            return "ready http" in self.said()
        wait_until(ready, seconds, "ready")
        # With access by keys ./run cannot ask for the workers, so it does not wait for them.
        if self.pids("vultus-worker") and (self.data / "log/broker.log").exists():
            wait_until(lambda: "worker_ready" in (self.data / "log/broker.log").read_text(), seconds, "a worker")
        return self

    def said(self):
        return (self.data / "supervisor.log").read_text(errors="replace")

    def logs(self, lines=15):
        return "".join(f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) + "\n"
                       for path in sorted((self.data / "log").glob("*.log")))

    def pids(self, name):
        """Children of the supervisor by program: redis, vultus-broker, vultus-worker, vultus-api."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        found = []
        for pid in map(int, children.split()):
            with contextlib.suppress(OSError):
                if name in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode():
                    found.append(pid)
        return found

    def redis(self, **user):
        return redis.Redis(unix_socket_path=str(self.data / "run/redis.sock"), **user)

    def stop(self):
        if self.process.poll() is None:
            for pid in self.pids("vultus-worker"):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGTERM)
                self.process.wait(30)
        self.output.close()
        # Processes of one version understand one another. What they do not, another way makes good, slowly.
        assert "malformed_message" not in self.logs(10_000), self.logs()
        return self.process.returncode

    # ---- calls ------------------------------------------------------------------------------

    def call(self, method, path, **more):
        return self.http.request(method, self.url + path, timeout=60, **more)

    def finish(self, job):
        """Polls a job to its end."""
        end = time.monotonic() + 120
        while job["state"] not in TERMINAL:
            assert time.monotonic() < end, job
            answer = self.call("GET", f"/api/jobs/{job['id']}", params={"wait": 30})
            assert answer.status_code == 200, answer.text
            job = answer.json()
        return job

    def submit(self, path, photos=(), **form):
        """A form as a browser sends it; returns the finished job."""
        files = [("file", (f"{i}.jpg", photo)) for i, photo in enumerate(photos)]
        answer = self.call("POST", path, files=files or None, data=form or None,
                           headers={"Prefer": "wait=30"})
        assert answer.status_code in (200, 202), f"{answer.status_code} {answer.text}"
        return self.finish(answer.json())

    def train(self, name, *photos, **form):
        job = self.submit("/api/train", photos, name=name, **form)
        assert job["state"] == "succeeded", job
        return job

    def recognize(self, photo, **form):
        job = self.submit("/api/recognize", [photo], **form)
        assert job["state"] == "succeeded", job
        return job["result"]

    def clear(self, **form):
        job = self.submit("/api/clear", **form)
        assert job["state"] == "succeeded", job
        return job

    def fsck(self):
        return fsck(self.redis())


def waits_for_lock(process):
    """Whether config/redis, started as this process, waits because another Redis has the folder."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    with contextlib.suppress(OSError):
        return [pathlib.Path(f"/proc/{pid}/comm").read_text() for pid in children] == ["flock\n"]
    return False


def fsck(store):
    """What is wrong with the indexes of Redis; [] is right."""
    cursor, problems = b"", []
    while True:
        answer = store.fcall_ro("vultus1_fsck", 1, PREFIX, cursor, 100, 0)
        problems += answer[2:]
        if answer[0] == b"ok":
            return problems
        cursor = answer[1]


def names(result):
    return [face["label"] if face["status"] == "known" else face["status"] for face in result["faces"]]


def jpeg(picture, **options):
    out = io.BytesIO()
    picture.save(out, "JPEG", **{"quality": 90, **options})
    return out.getvalue()


@pytest.fixture(scope="session")
def photos():
    """The sample photos as bytes, by name; 'small_…' are 480 pixels high and quick to look at."""
    found = {path.stem: path.read_bytes() for path in PHOTOS.glob("*.jpg")}
    assert len(found) >= 6, f"no sample photos in {PHOTOS}; config/fetch.py brings them"
    for name in list(found):
        picture = Image.open(io.BytesIO(found[name])).convert("RGB")
        picture.thumbnail((640, 480))
        found[f"small_{name}"] = jpeg(picture)
    return found


def before_start(data, *words, **more):
    """./run --ctl: what is to be done before a first start."""
    environment = {"VULTUS_BIN": str(ROOT / "build/e2e/bin"), **os.environ}
    environment["PATH"] = f"{ROOT}/build/deps/bin:{environment['PATH']}"
    return subprocess.run([sys.executable, ROOT / "config/supervisor.py", "--data", data, "--ctl", *words],
                          capture_output=True, text=True, env=environment, timeout=120, **more)


@contextlib.contextmanager
def started(folder, **options):
    """A service on this folder, ready; what it said is printed if something goes wrong beside it."""
    service = Service(folder, **options)
    try:
        yield service.wait_ready()
    except BaseException:
        print(service.said(), service.logs())
        raise
    finally:
        service.stop()


@contextlib.contextmanager
def running(**options):
    with tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        if "api.access=keys" in options.get("settings", ()):  # there is no start without any key
            made = before_start(folder, "key", "create", "--scopes", "read", "--note", "the first")
            assert made.returncode == 0, made.stdout + made.stderr
        with started(folder, **options) as service:
            yield service


@contextlib.contextmanager
def worker_beside(service, *settings):
    """A worker beside those that the service started."""
    words = [f"common.data={service.data}", *settings]
    command = [pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin")) / "vultus-worker", "--config", ROOT / "config/vultus.toml",
               *(word for one in words for word in ("--set", one))]
    with open(service.data / "log/worker-beside.log", "wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        try:
            yield worker
        finally:
            worker.terminate()
            assert worker.wait(30) == 0


@pytest.fixture
def open_folder():
    """One that other users may enter. tmp_path is none: each pytest that starts closes the folder above it, of all of them."""
    with tempfile.TemporaryDirectory(prefix="vultus-open-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@pytest.fixture
def service():
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def shared_service():
    """One service for the tests of a file that leave nothing behind that disturbs the next."""
    with running() as one:
        yield one
