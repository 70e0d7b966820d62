#!/usr/bin/env python3
"""What keys on the links cost: the same load on a service with plain links and on one with CURVE, in turns, on one machine, with
a worker that computes nothing.

    ./test bench curve [--json] [--seconds 5] [--rounds 4]

jobs: 16 clients, each one job in flight, its photo small and stored in Redis; jobs a second and the median's milliseconds. photos: four
clients, each a photo of 1 MiB that is not stored and so goes api - broker - worker; photos (MiB) a second, two links each. The best
of the rounds; `ratio` is CURVE over plain.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
import conftest  # noqa: E402
from bench_tls import rate  # noqa: E402
from ran_on import ran_on  # noqa: E402

BUILT, CLIENTS, MIB = ROOT / "build/e2e/bin", 16, 1 << 20


def jobs(service, photo, seconds):
    done = subprocess.run([BUILT / "http_load", str(service.port), str(CLIENTS), str(seconds), "0", "", photo],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"http_load failed: {done.stdout}{done.stderr}\n{service.logs()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(prog="./test bench curve")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    wanted = parser.parse_args()
    small = conftest.jpeg(conftest.Image.new("RGB", (64, 64), (90, 100, 110)))
    large = small + os.urandom(MIB - len(small))
    request = (b"POST /api/recognize?durable=false HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
               b"Content-Length: %d\r\n\r\n" % MIB) + large
    best = {way: {"jobs_per_s": 0, "p50_ms": 1e9, "photos_per_s": 0} for way in ("plain", "curve")}
    with tempfile.TemporaryDirectory(prefix="vultus-bench-") as folder:
        programs, photo = pathlib.Path(folder, "bin"), pathlib.Path(folder, "photo.jpg")
        programs.mkdir()
        for name, target in (("vultus-broker", "vultus-broker"), ("vultus-api", "vultus-api"), ("vultus-worker", "null_worker"),
                             ("vultusctl", "vultusctl")):
            (programs / name).symlink_to(BUILT / target)
        photo.write_bytes(small)
        built = {"VULTUS_BIN": str(programs)}
        with conftest.running(environment=built) as plain, conftest.running(environment=built, words=["--curve"]) as curve:
            for _ in range(wanted.rounds):
                for way, service in (("plain", plain), ("curve", curve)):
                    now, seen = best[way], jobs(service, photo, wanted.seconds)
                    now["jobs_per_s"] = max(now["jobs_per_s"], seen["jobs_per_s"])
                    now["p50_ms"] = min(now["p50_ms"], seen["p50_ms"])
                    now["photos_per_s"] = max(now["photos_per_s"], rate(service.port, None, request, wanted.seconds))
    out = {way: {name: round(value, 2) for name, value in row.items()} for way, row in best.items()}
    out["ratio"] = {name: round(best["curve"][name] / best["plain"][name], 3) for name in best["plain"]}
    out.update(ran_on())
    print(json.dumps(out) if wanted.json else json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
