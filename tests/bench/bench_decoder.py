#!/usr/bin/env python3
"""What it costs to decode photos in a process of their own (worker.separate_decoder), in photos a second of the whole service.

    ./test bench decoder [--json] [--seconds 6] [--rounds 5]

Two services, with it and without, asked in turn over HTTP by 8 clients a core. Keys: photos of 250 px, 640 px, 1,200 px and
4,000 px on the longer side, each with photos a second of both (medians of the rounds), the processor time of worker and
decoders for a photo in ms (the same), and the share of more of it that the process costs: what holds on a busy machine, too.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
import conftest  # noqa: E402
from PIL import Image  # noqa: E402
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
    total, parents = 0, {pid for pid in service.pids("vultus-worker")}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(") ", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(path.parent.name) in parents or int(fields[1]) in parents:
            total += int(fields[11]) + int(fields[12])
    return total * 1e3 / os.sysconf("SC_CLK_TCK")


def measure(service, photos, seconds):
    """Photos a second, and the processor time of one in ms."""
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
    given = parser.parse_args()
    found = ran_on()
    with tempfile.TemporaryDirectory(prefix="vultus-bench-") as folder, conftest.running() as apart, \
            conftest.running(settings=["worker.separate_decoder=false"]) as inside:
        for side in SIDES:
            photos, rounds = photos_of(side, folder), []
            for _ in range(given.rounds):
                rounds.append([*measure(apart, photos, given.seconds), *measure(inside, photos, given.seconds)])
            rate, cpu_ms, rate_inside, cpu_ms_inside = (statistics.median(column) for column in zip(*rounds))
            more = [one[1] / one[3] - 1 for one in rounds]
            found[f"side_{side}"] = {
                "apart": {"photos_per_s": round(rate, 1), "cpu_ms": round(cpu_ms, 2)},
                "inside": {"photos_per_s": round(rate_inside, 1), "cpu_ms": round(cpu_ms_inside, 2)},
                "more_cpu": round(statistics.median(more), 3), "from": round(min(more), 3), "to": round(max(more), 3)}
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
