#!/usr/bin/env python3
"""What it costs to decode photos in a process of their own (worker.separate_decoder), in photos a second of the whole service.

    ./test bench decoder [--json] [--seconds 6] [--rounds 5]

Two services, with it and without, asked in turn over HTTP by 8 clients a core. Keys: photos of 250 px, 640 px, 1,200 px and
4,000 px on the longer side, each with photos a second of both (medians of the rounds) and the share that is lost.
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


def photos_a_second(service, photos, seconds):
    words = [ROOT / "build/e2e/bin/http_load", service.port, CLIENTS, seconds, 0, "", *photos]
    said = json.loads(subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout)
    if said["failed"]:
        sys.exit(f"{said['failed']} photos failed\n{service.logs()}")
    return said["jobs_per_s"]


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
            photos, rates = photos_of(side, folder), {"apart": [], "inside": []}
            for _ in range(given.rounds):
                rates["apart"].append(photos_a_second(apart, photos, given.seconds))
                rates["inside"].append(photos_a_second(inside, photos, given.seconds))
            lost = [1 - a / b for a, b in zip(rates["apart"], rates["inside"])]
            found[f"side_{side}"] = {**{name: round(statistics.median(all_), 1) for name, all_ in rates.items()},
                                     "lost": round(statistics.median(lost), 3), "lost_from": round(min(lost), 3), "to": round(max(lost), 3)}
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
