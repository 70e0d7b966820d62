#!/usr/bin/env python3
"""What a key costs: the same request to an api that asks for none, that asks for one, one under a quota, and a login.

    ./test bench access [--json] [--seconds 5] [--rounds 4]

One connection asks GET /api/jobs?page_size=1 (one question to Redis) as fast as answers come, the three apis in turn on one
Redis. Keys: of each the median time of a request and the CPU time of the api for one, in microseconds;
what a key, a quota and a session adds to both. The better of all rounds counts: other work on the machine only makes them slower.
"""
import argparse
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
import conftest  # noqa: E402
from process_time import process_time  # noqa: E402
from ran_on import ran_on  # noqa: E402

BUILT = ROOT / "build/e2e/bin"


class Api:
    """One api of its own on the service's Redis."""

    def __init__(self, data, *settings):
        self.port = conftest.free_port()
        words = [word for one in (f"common.data={data}", f"api.port={self.port}", *settings) for word in ("--set", one)]
        self.process = subprocess.Popen([BUILT / "vultus-api", *words], stderr=subprocess.DEVNULL, cwd=ROOT)

    def cpu_us(self):
        return process_time(self.process.pid)[1]

    def ask(self, field, seconds):
        """Median of a request's time and CPU time of one, in microseconds."""
        request = f"GET /api/jobs?page_size=1 HTTP/1.1\r\nHost: localhost\r\n{field}\r\n".encode()
        times = []
        with socket.create_connection(("127.0.0.1", self.port)) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin, before = time.monotonic(), self.cpu_us()
            while time.monotonic() < begin + seconds:
                at = time.perf_counter()
                link.sendall(request)
                answer = link.recv(65536)
                times.append((time.perf_counter() - at) * 1e6)
                assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
            spent = self.cpu_us() - before
        return statistics.median(times), spent / len(times)


def make_key(data, *words):
    done = subprocess.run([BUILT / "vultusctl", "--data", data, "key", "create", "--scopes", "read", *words],
                          capture_output=True, text=True, check=True)
    return f"Authorization: Bearer {done.stdout.splitlines()[0]}\r\n"


def make_session(data, port):
    subprocess.run([BUILT / "vultusctl", "--data", data, "user", "add", "ada", "--role", "viewer"],
                   input="correct horse battery\n", capture_output=True, text=True, check=True)
    told = requests.post(f"http://127.0.0.1:{port}/api/session", timeout=30,
                         json={"name": "ada", "password": "correct horse battery"})
    return f"Cookie: vultus_session={told.cookies['vultus_session']}\r\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    wanted = parser.parse_args()
    with conftest.running() as service:
        data = service.data
        key, quota = make_key(data), make_key(data, "--quota", "100000000/min")
        ways = {"open": (Api(data), ""), "key": (Api(data, "api.access=keys"), key)}
        ways["quota"] = (ways["key"][0], quota)
        best = {name: [1e9, 1e9] for name in ways}
        try:
            for api, _ in ways.values():
                conftest.wait_until(lambda port=api.port: ready(lambda: socket.create_connection(("127.0.0.1", port))),
                                    what="the api")
            ways["session"] = (ways["key"][0], make_session(data, ways["key"][0].port))
            best["session"] = [1e9, 1e9]
            for _ in range(wanted.rounds):
                for name, (api, text) in ways.items():
                    best[name] = [min(pair) for pair in zip(best[name], api.ask(text, wanted.seconds))]
        finally:
            for name in ("open", "key"):
                ways[name][0].process.terminate()
                ways[name][0].process.wait()
    out = {name: {"median_us": round(time_us, 1), "cpu_us": round(cpu_us, 1)} for name, (time_us, cpu_us) in best.items()}
    for name in ("key", "quota", "session"):
        out[f"{name}_adds"] = {part: round(out[name][part] - out["open"][part], 1) for part in out["open"]}
    out["ran_on"] = ran_on()
    print(json.dumps(out) if wanted.json else json.dumps(out, indent=1))


def ready(connect):
    """Whether the api at the other end of a new connection is ready."""
    try:
        with connect() as link:
            link.sendall(b"GET /healthz/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return link.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


if __name__ == "__main__":
    main()
