"""Programs of two versions of this repository, and processes of both over one Redis. `older` is a commit before folders and
names changed, unpacked and built below build/older; `today` is VULTUS_BIN. Everything started here is ended by pid.
"""
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys

import redis
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from conftest import PREFIX, Service, free_port, wait_until  # noqa: E402

OLDER_COMMIT = "99cf9abc77143efbe66c7f17d921d7b11a0ba3a3"
PROGRAMS = ("vultus-api", "vultus-broker", "vultus-worker", "vultus-decoder", "vultusctl")


@dataclasses.dataclass(frozen=True)
class Version:
    name: str
    root: pathlib.Path  # of its sources: the folder that its processes work in
    programs: pathlib.Path


TODAY = Version("today", ROOT, pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin")))
OLDER = Version("older", ROOT / "build/older", ROOT / "build/older/build/release/bin")


def build_older():
    """The programs of OLDER_COMMIT. Its history has to be there: `git archive` takes the sources out of it."""
    stamp = OLDER.root / "build/commit"
    if not stamp.exists() or stamp.read_text() != OLDER_COMMIT:
        OLDER.root.mkdir(parents=True, exist_ok=True)
        sources = subprocess.run(["git", "-C", ROOT, "archive", OLDER_COMMIT], capture_output=True)
        if sources.returncode:
            sys.exit(f"the sources of {OLDER_COMMIT} are not in this checkout: {sources.stderr.decode().strip()}")
        subprocess.run(["tar", "-x", "-C", OLDER.root], input=sources.stdout, check=True)
        (OLDER.root / "build").mkdir(exist_ok=True)
        for name in ("deps", "models"):
            link = OLDER.root / "build" / name
            if not link.is_symlink():
                link.symlink_to(ROOT / "build" / name)
        stamp.write_text(OLDER_COMMIT)
    quietly("configure", ["cmake", "--preset", "release"])
    quietly("build", ["ninja", "-C", "build/release", "-j", os.environ.get("VULTUS_JOBS", "2"),
                      *(f"bin/{name}" for name in PROGRAMS)])


def quietly(what, command):
    done = subprocess.run(command, cwd=OLDER.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{what} of {OLDER_COMMIT}:\n{done.stdout[-6000:]}")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Processes(Service):
    """A service whose processes have each its version: the calls of Service, other ways to start and stop."""

    def __init__(self, data):
        self.data, self.port, self.http = pathlib.Path(data), free_port(), requests.Session()
        self.url, self.running, self.logged = f"http://127.0.0.1:{self.port}", {}, []
        for name in ("run", "log", "redis"):
            (self.data / name).mkdir(mode=0o700, exist_ok=True)

    def spawn(self, name, version, command):
        log = self.data / f"log/{name}.log"
        environment = {**os.environ, "PATH": f"{ROOT}/build/deps/bin:{os.environ['PATH']}"}
        with open(log, "ab") as out:
            self.running[name] = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                                  stderr=out, cwd=version.root, env=environment, start_new_session=True,
                                                  preexec_fn=die_with_parent)

    def start_redis(self, version):
        self.spawn("redis", version, [version.root / "config/redis", version.root / "config/redis.conf", self.data / "redis",
                                      "--unixsocket", self.data / "run/redis.sock"])

        def answers():
            with contextlib.suppress(redis.RedisError):
                return self.redis().ping()
        wait_until(answers, what="Redis")

    def start(self, kind, version, *settings, name=None):
        """kind: broker, worker or api."""
        more = {"api": [f"api.port={self.port}"], "worker": ["worker.vision_threads=1", "worker.device=cpu"]}.get(kind, [])
        words = (word for one in (f"common.data={self.data}", *more, *settings) for word in ("--set", one))
        self.spawn(name or f"{kind}-{version.name}", version,
                   [version.programs / f"vultus-{kind}", "--config", version.root / "config/vultus.toml", *words])

    def ready(self, workers):
        """Waits until the api answers and its brokers have so many workers."""
        def answers():
            for name, process in self.running.items():
                assert process.poll() is None, f"{name} ended\n{self.logs()}"
            with contextlib.suppress(requests.RequestException, ValueError, KeyError):
                return len(self.call("GET", "/api/status").json()["workers"]) >= workers
        wait_until(answers, 120, what="a service that is ready")

    def ctl(self, version, *words, said=None, code=0):
        done = subprocess.run([version.programs / "vultusctl", "--data", self.data, *words], capture_output=True, text=True,
                              input=said, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def end(self, name, number=signal.SIGTERM):
        process = self.running.pop(name)
        process.send_signal(number)
        return process.wait(60)

    def stop(self):
        for kind in ("api", "worker", "broker", "redis"):
            for name in [one for one in self.running if one.startswith(kind)]:
                self.end(name)

    def worker_of(self, job):
        """The name of the process here that ran this job."""
        worker = self.redis().hget(f"{PREFIX}job:{job['id']}", "worker").decode()
        pid = int(self.redis().hget(f"{PREFIX}worker:{worker}", "pid"))
        return next(name for name, process in self.running.items() if process.pid == pid)


@contextlib.contextmanager
def processes(folder):
    """What they said is printed if something goes wrong beside them."""
    one = Processes(folder)
    try:
        yield one
    except BaseException:
        print(one.logs())
        raise
    finally:
        one.stop()


if __name__ == "__main__":
    build_older()
