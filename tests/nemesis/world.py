"""The processes of a nemesis run: Redis, brokers, apis and workers below one folder, each started again when it is
gone. Between apis or workers and what they talk to are links that can be cut (link_proxy.cpp), Redis has a disk and a
clock that can misbehave (bad_luck.c), and a failpoint can be laid for whoever reaches it first (shared/base/failpoint.hpp).
Everything started here is ended by its process id.
"""
import contextlib
import ctypes
import os
import pathlib
import signal
import struct
import subprocess
import sys
import threading
import time

import redis
import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
from conftest import PREFIX, free_port, fsck, names, wait_until  # noqa: E402, F401


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


# Of nemesis_worker.cpp. Half of the workers propose one as the default of a service, half the other.
MODELS = ("colour/plain", "colour/other")


class Process:
    def __init__(self, name, command, log, environment):
        self.name, self.command, self.log = name, [str(word) for word in command], log
        self.environment = {**os.environ, **environment}
        self.process, self.again_at, self.down = None, 0.0, 0.5
        self.starts, self.codes = 0, []

    def start(self, **more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, **{"stdin": subprocess.DEVNULL, **more}, stdout=log, stderr=log,
                                            cwd=ROOT, env=self.environment, start_new_session=True,
                                            preexec_fn=die_with_parent)
        self.starts += 1

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stopped(self):
        """By a signal, and not continued."""
        with contextlib.suppress(OSError, AttributeError):
            return pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def send(self, number):
        if self.alive():
            self.process.send_signal(number)

    def end(self, seconds=40):
        if self.process is not None:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self.process.wait()


class World:
    def __init__(self, folder, programs, brokers=2, apis=2, workers=4, environment=None, redis_options=(), two_models=False):
        """two_models: rooms keep pictures, so that they can be given another model, and the workers do not agree on the
        default."""
        self.folder, self.programs = pathlib.Path(folder), pathlib.Path(programs)
        for name in ("run", "run/cut", "redis", "log", "failpoints"):
            (self.folder / name).mkdir()
        self.socket = self.folder / "run/redis.sock"
        self.luck = self.folder / "bad_luck"
        self.bad_luck()
        self.ports = [free_port() for _ in range(apis)]
        self.stopping, self.orders = threading.Event(), threading.Lock()
        self.environment = {"VULTUS_FAILPOINT_DIR": str(self.folder / "failpoints"), **(environment or {})}
        self.links = {}  # (name of a process, "redis" or "broker"): the sockets between
        a_ends = [f"{folder}/run/a{i}.sock" for i in range(brokers)]
        w_ends = [f"{folder}/run/w{i}.sock" for i in range(brokers)]
        self.redis = self.process(
            "redis", [ROOT / "config/redis", ROOT / "config/redis.conf", self.folder / "redis", "--unixsocket", self.socket,
                      *redis_options],
            LD_PRELOAD=str(self.programs / "bad_luck.so"), VULTUS_BAD_LUCK=str(self.luck))
        self.brokers = [self.program(f"broker-{i}", "vultus-broker", self.socket, [a_ends[i]], [w_ends[i]])
                        for i in range(brokers)]
        self.apis = [self.far(f"api-{i}", "vultus-api", a_ends, w_ends, api__port=port)
                     for i, port in enumerate(self.ports)]
        self.workers = [self.far(f"worker-{i}", "nemesis_worker", a_ends, w_ends, worker__vision_threads=1,
                                 **({"worker__keep_pictures": "true", "worker__default_embedder": MODELS[i % 2]} if two_models else {}))
                        for i in range(workers)]
        self.proxy = self.process("proxy", [self.programs / "link_proxy", *(
            f"{near}={far}" for pairs in self.links.values() for near, far in pairs.items())])
        self.all = [self.redis, *self.brokers, *self.workers, *self.apis]

    def process(self, name, command, **environment):
        return Process(name, command, self.folder / f"log/{name}.log", {**self.environment, **environment})

    def program(self, name, program, store, a, w, **more):
        given = {"common.data": self.folder, "redis.socket": store, "common.log_level": "warning",
                 "common.broker_api_endpoints": list_of(a), "common.broker_worker_endpoints": list_of(w), **more}
        return self.process(name, [self.programs / program, *(
            word for key, value in given.items() for word in ("--set", f"{key.replace('__', '.')}={value}"))])

    def far(self, name, program, a_ends, w_ends, **more):
        """A program behind links that can be cut."""
        worker = program == "nemesis_worker"
        used = w_ends if worker else a_ends
        cut = [f"{self.folder}/run/cut/{name}.b{i}" for i in range(len(used))]
        store = f"{self.folder}/run/cut/{name}.redis"
        self.links[name, "redis"] = {store: self.socket}
        self.links[name, "broker"] = dict(zip(cut, used))
        return self.program(name, program, store, a_ends if worker else cut, cut if worker else w_ends, **more)

    def cut(self, name, what, how):
        """how: hold (what is sent waits), go (it arrives), drop (connections end)."""
        with self.orders:
            for near in self.links[name, what]:
                self.proxy.process.stdin.write(f"{how} {near}\n".encode())
            self.proxy.process.stdin.flush()

    def bad_luck(self, fsync_ms=0, disk_full=0, clock_ms=0):
        """For Redis, from now on."""
        with open(self.luck, "r+b" if self.luck.exists() else "w+b") as file:
            file.write(struct.pack("=qqq", fsync_ms, disk_full, clock_ms))

    def fill_memory(self):
        """Redis is as full as it may be: accept refuses, everything else goes on. Returns what takes it back."""
        store = self.store()
        most = store.config_get("maxmemory")["maxmemory"]
        store.config_set("maxmemory", store.info("memory")["used_memory"])
        return lambda: self.store().config_set("maxmemory", most)

    def lay(self, name, action):
        """A failpoint for whoever reaches it first."""
        path = self.folder / "failpoints" / name
        path.with_suffix(".new").write_text(action + "\n")
        path.with_suffix(".new").rename(path)

    def laid(self):
        """Names of the failpoints that nobody has reached."""
        return {path.name for path in (self.folder / "failpoints").iterdir() if path.suffix != ".new"}

    def decoders(self, worker):
        """Process ids of the vultus-decoders of one of `workers`."""
        found = []
        with contextlib.suppress(OSError):
            for thread in pathlib.Path(f"/proc/{worker.process.pid}/task").iterdir():
                with contextlib.suppress(OSError):  # the thread ended
                    found += [int(pid) for pid in (thread / "children").read_text().split()]
        return found

    def take_up(self):
        for path in (self.folder / "failpoints").iterdir():
            path.unlink(missing_ok=True)

    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def store(self):
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def start_links(self):
        """What stands between the processes; before them."""
        self.proxy.start(stdin=subprocess.PIPE)
        wait_until(lambda: len(list((self.folder / "run/cut").iterdir())) >= sum(map(len, self.links.values())),
                   what="the links")

    def start(self, seconds=60):
        self.start_links()
        for one in self.all:
            one.start()
        self.keeper = threading.Thread(target=self.keep)
        self.keeper.start()
        wait_until(self.ready, seconds, f"the service (logs: {self.folder}/log)")

    def ready(self):
        with contextlib.suppress(requests.RequestException, ValueError, KeyError):
            return all(len(requests.get(f"{url}/api/status", timeout=5).json()["workers"]) >= len(self.workers)
                       for url in self.urls())
        return False

    def keep(self):
        """Starts what has ended, `down` seconds later."""
        while not self.stopping.wait(0.05):
            for one in self.all:
                if one.alive():
                    one.again_at = 0.0
                elif one.again_at == 0.0:
                    one.codes.append(one.process.returncode)
                    one.again_at = time.monotonic() + one.down
                elif time.monotonic() >= one.again_at:
                    one.start()

    def stop(self):
        self.stopping.set()
        if hasattr(self, "keeper"):
            self.keeper.join()
        self.take_up()
        self.bad_luck()
        for group in (self.apis, self.workers, self.brokers, [self.redis]):
            for one in group:
                one.send(signal.SIGCONT)
                one.send(signal.SIGTERM)
            for one in group:
                one.end()
        if self.proxy.process is not None:
            self.proxy.process.stdin.close()
            self.proxy.end(5)

    def complaints(self):
        """Lines of the logs that no fault excuses: one process did not understand another."""
        return [line for path in sorted((self.folder / "log").glob("*.log"))
                for line in path.read_text(errors="replace").splitlines() if "malformed_message" in line]


def list_of(texts):
    return "[" + ", ".join(f'"ipc://{text}"' for text in texts) + "]"


def defaults(store):
    """The models that the service uses where nobody chose; decided once."""
    return [(one or b"").decode() for one in store.hmget(f"{PREFIX}defaults", "detector", "embedder")]


def images(store):
    return sum(1 for _ in store.scan_iter(f"{PREFIX}job:*:image:*", count=1000))
