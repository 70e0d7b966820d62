"""The processes of a nemesis run: Redis, brokers, apis and workers below one folder, each started again when it is
gone. Everything started here is ended by its process id.
"""
import contextlib
import ctypes
import pathlib
import signal
import subprocess
import sys
import threading
import time

import redis
import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
from conftest import PREFIX, free_port, fsck, wait_until  # noqa: E402, F401


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Process:
    def __init__(self, name, command, log):
        self.name, self.command, self.log = name, [str(word) for word in command], log
        self.process, self.again_at = None, 0.0

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                                            start_new_session=True, preexec_fn=die_with_parent)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        if self.alive():
            self.process.send_signal(number)


class World:
    def __init__(self, folder, programs, brokers=2, apis=2, workers=4):
        self.folder = pathlib.Path(folder)
        for name in ("run", "redis", "log"):
            (self.folder / name).mkdir()
        self.socket = self.folder / "run/redis.sock"
        self.ports = [free_port() for _ in range(apis)]
        self.stopping = threading.Event()
        api_ends = [f"ipc://{folder}/run/a{i}.sock" for i in range(brokers)]
        worker_ends = [f"ipc://{folder}/run/w{i}.sock" for i in range(brokers)]

        def settings(a, w, **more):
            given = {"common.data": folder, "redis.socket": self.socket, "common.log_level": "warning",
                     "common.broker_api_endpoints": list_of(a), "common.broker_worker_endpoints": list_of(w), **more}
            return [word for key, value in given.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]

        def process(name, *command):
            return Process(name, command, self.folder / f"log/{name}.log")

        self.redis = process("redis", "redis-server", ROOT / "config/redis.conf", "--dir", self.folder / "redis",
                             "--unixsocket", self.socket)
        self.brokers = [process(f"broker-{i}", programs / "vultus-broker", *settings([api_ends[i]], [worker_ends[i]]))
                        for i in range(brokers)]
        self.apis = [process(f"api-{i}", programs / "vultus-api", *settings(api_ends, worker_ends, api__port=port))
                     for i, port in enumerate(self.ports)]
        self.workers = [process(f"worker-{i}", programs / "nemesis_worker",
                                *settings(api_ends, worker_ends, worker__vision_threads=1)) for i in range(workers)]
        self.all = [self.redis, *self.brokers, *self.workers, *self.apis]

    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def store(self):
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def start(self, seconds=60):
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
        """Starts what has ended, half a second later."""
        while not self.stopping.wait(0.05):
            for one in self.all:
                if one.alive():
                    one.again_at = 0.0
                elif one.again_at == 0.0:
                    one.again_at = time.monotonic() + 0.5
                elif time.monotonic() >= one.again_at:
                    one.start()

    def stop(self):
        self.stopping.set()
        if hasattr(self, "keeper"):
            self.keeper.join()
        for group in (self.apis, self.workers, self.brokers, [self.redis]):
            for one in group:
                one.send(signal.SIGCONT)
                one.send(signal.SIGTERM)
            for one in group:
                if one.process is not None:
                    try:
                        one.process.wait(40)
                    except subprocess.TimeoutExpired:
                        one.send(signal.SIGKILL)
                        one.process.wait()


def list_of(texts):
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


def images(store):
    return sum(1 for _ in store.scan_iter(f"{PREFIX}job:*:image:*", count=1000))
