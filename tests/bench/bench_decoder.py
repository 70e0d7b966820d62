#!/usr/bin/env python3
"""What it costs to decode photos in a process of their own (worker.separate_decoder), in photos a second of the whole service.

    ./test bench decoder [--json] [--seconds 6] [--rounds 5]

Two services, with it and without, asked in turn over HTTP by 8 clients a core. Keys: photos of 250 px, 640 px, 1,200 px and
4,000 px on the longer side, each with photos a second of both, the CPU time of worker and decoders for a photo in ms, the
best of the rounds, and the share of that time that the process adds: what holds on a busy machine, too.
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
from PIL import Image  # noqa: E402
from process_time import process_time  # noqa: E402
from ran_on import ran_on  # noqa: E402

SIDES = (250, 640, 1_200, 4_000)
CLIENTS = 8 * len(os.sched_getaffinity(0))


def photos_of(side, folder):
    found = []
    for name in ("obama", "obama2", "biden"):
        picture = Image.open(conftest.PHOTOS / f"{name}.jpg").convert("RGB")
        scale = side / max(picture.size)
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
        found.append(pathlib.Path(folder, f"{name}_{side}.jpg"))
        picture.save(found[-1], quality=90)
    return found


def processor_ms(service):
    """Of the workers and of what they started and still runs."""
    total_us, workers = 0, set(service.pids("vultus-worker"))
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent, spent_us = process_time(folder.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(folder.name) in workers or parent in workers:
            total_us += spent_us
    return total_us / 1e3


def measure(service, photos, seconds):
    """Photos a second, and the CPU time of one in ms."""
    words = [ROOT / "build/e2e/bin/http_load", service.port, CLIENTS, seconds, 0, "", *photos]
    before = processor_ms(service)
    said = json.loads(subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout)
    if said["failed"]:
        sys.exit(f"{said['failed']} photos failed\n{service.logs()}")
    return said["jobs_per_s"], (processor_ms(service) - before) / said["jobs"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="of the photos, in pixels")
    given = parser.parse_args()
    found = ran_on()
    with tempfile.TemporaryDirectory(prefix="vultus-bench-") as folder, conftest.running() as apart, \
            conftest.running(settings=["worker.separate_decoder=false"]) as inside:
        for side in given.sides:
            photos, rounds = photos_of(side, folder), []
            for _ in range(given.rounds):
                rounds.append([*measure(apart, photos, given.seconds), *measure(inside, photos, given.seconds)])
            apart_rates, apart_ms, inside_rates, inside_ms = zip(*rounds)
            found[f"side_{side}"] = {
                "apart": {"photos_per_s": round(max(apart_rates), 1), "cpu_ms": round(min(apart_ms), 2)},
                "inside": {"photos_per_s": round(max(inside_rates), 1), "cpu_ms": round(min(inside_ms), 2)},
                "more_cpu": round(min(apart_ms) / min(inside_ms) - 1, 3)}
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
