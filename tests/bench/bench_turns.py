#!/usr/bin/env python3
"""How long one request holds the api's loop: the worst bodies of tests/e2e/worst_bodies.py, each sent alone.

    ./test bench turns [--json]

Prints for each body the longest turn of the loop while it was read and answered, in CPU and wall time, in milliseconds,
the longest first. Each body has an api of its own, as the api says the longest since it started.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
import conftest  # noqa: E402
import test_longest_turn as turns  # noqa: E402
import worst_bodies  # noqa: E402
from ran_on import ran_on  # noqa: E402

BUILT = ROOT / "build/e2e/bin"


class Api:
    """One api of its own on the service's Redis."""

    def __init__(self, data):
        self.port, self.http = conftest.free_port(), requests.Session()
        words = [word for one in (f"common.data={data}", f"api.port={self.port}") for word in ("--set", one)]
        self.process = subprocess.Popen([BUILT / "vultus-api", *words], stderr=subprocess.DEVNULL, cwd=ROOT)
        conftest.wait_until(self.is_ready, what="an api")

    def is_ready(self):
        try:
            return self.call("GET", "/healthz/ready").status_code == 200
        except requests.ConnectionError:
            return False

    def call(self, method, path):
        return self.http.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=600)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def bodies(most):
    all_of = [("application/json", name, body) for name, body in worst_bodies.json_bodies()]
    all_of += [("multipart/form-data; boundary=" + boundary.decode(), name, body) for name, boundary, body in worst_bodies.form_bodies()]
    all_of += list(worst_bodies.raw_bodies())
    return all_of[:most]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bodies", type=int, default=1_000, help="the first so many only")
    options = parser.parse_args()
    rows = []
    with conftest.running() as service:
        for kind, name, body in bodies(options.bodies):
            api = Api(service.data)
            try:
                idle = turns.longest(api)
                turns.post(api, "/api/recognize?durable=false", kind, body)
                cpu, wall = turns.longest(api), turns.longest(api, "wall")
            finally:
                api.stop()
            rows.append({"kind": kind.split(";")[0], "body": name, "bytes": len(body), "processor_ms": round(cpu * 1000, 1),
                         "wall_ms": round(wall * 1000, 1), "idle_ms": round(idle * 1000, 1)})
    rows.sort(key=lambda row: -row["processor_ms"])
    if options.json:
        longest = {part: max(row[part] for row in rows) for part in ("processor_ms", "wall_ms")}
        return print(json.dumps({"ran_on": ran_on(), "longest": longest, "turns": rows}))
    print(ran_on())
    for row in rows:
        print(f"{row['processor_ms']:8.1f} ms CPU {row['wall_ms']:8.1f} ms wall  {row['kind']}: {row['body']}, {row['bytes']} bytes")


if __name__ == "__main__":
    sys.exit(main())
