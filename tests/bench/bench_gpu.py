#!/usr/bin/env python3
"""How fast a GPU runs both networks, and what keeps it waiting.

    ./test bench gpu [--json] [--rounds 15]

The GPU: `embedding` and `detector_vga_ms`, by build/cuda/bin/gpu_time; without a toolkit or a GPU "gpu" is null and `not_run`
says why. The rest is measured on any machine: `feed` has the CPU time of each step of a worker before and behind the networks,
by build/e2e/bin/feed_time, with as many threads as the row says, up to the number of cores; and `balance`, for 1 to 16 vision threads,
the photos a second that each stage could pass on, and which of them the others wait for. Its `vision` says whether that many threads
were measured or the figures of fewer were multiplied; its `card` whether the networks' times are those of this GPU or what is expected
of an H200: SHARE of its peak.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from photo_set import group
from ran_on import ran_on

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORTRAITS = ("obama", "obama2", "obama3", "biden")
THREADS = (1, 2, 4, 8, 16)
# Half precision without sparsity, tera floating point operations a second, NVIDIA's data sheet of the H200 SXM; and the share of it
# that fused convolutions of these sizes may reach. A guess until somebody measures.
PEAK_TFLOP, SHARE = 989, 0.1
UP_GB_A_SECOND = 40  # pictures to the GPU, by 16 lanes of PCIe 5 (63 by its clock). A guess, too
LEAST_MS = 0.01  # a chip's time is the difference of two, and cannot be told from less
PASSES = 2  # of the embedding network a face: mirror_unit


def time_card():
    """(figures, None), or (None, why there are none)."""
    if shutil.which("nvcc", path=os.environ["PATH"] + ":/usr/local/cuda/bin") is None:
        return None, "no CUDA toolkit"
    for command in (["cmake", "--preset", "cuda"],
                    ["ninja", "-C", "build/cuda", "-j", os.environ.get("VULTUS_JOBS", "2"), "gpu_time", "vultus_cuda"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit((done.stdout + done.stderr)[-4000:])
    measured = subprocess.run([ROOT / "build/cuda/bin/gpu_time"], cwd=ROOT, capture_output=True, text=True)
    if measured.returncode == 2:
        return None, measured.stderr.strip().splitlines()[-1]
    if measured.returncode != 0:
        sys.exit(measured.stderr)
    return json.loads(measured.stdout.splitlines()[-1]), None


def time_feed(photos, threads, rounds):
    done = subprocess.run([ROOT / "build/e2e/bin/feed_time", ROOT / "build/models", str(threads), str(rounds), *photos],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def card_times(feed, card):
    """Milliseconds of the GPU: a face, a photo's detection with `cnn`."""
    up = feed["megabytes_up"] / UP_GB_A_SECOND
    if card:
        vga = 1e3 / card["lanes_vga_per_second"]
        return PASSES * 1e3 / card["lanes_chips_per_second"], up + vga * feed["cnn_gflop"] / feed["cnn_vga_gflop"]
    gflop_a_ms = PEAK_TFLOP * SHARE
    return PASSES * feed["embed_gflop"] / gflop_a_ms, up + feed["cnn_gflop"] / gflop_a_ms


def balanced(feed, threads, detector, face_ms, cnn_ms):
    """Photos a second of each stage if nothing else held it up, and of those that share something."""
    faces = feed["faces_a_photo"]
    vision = {"decode": feed["decode_ms"], "landmarks": faces * feed["landmarks_ms"], "chips": faces * feed["chip_ms"]}
    card = {"embedding": faces * face_ms}
    if detector == "hog":
        vision |= {"resize": feed["resize_ms"], "detect": feed["hog_ms"]}
    else:  # the GPU resizes
        vision["copy"] = feed["copy_ms"]
        card["detect"] = cnn_ms
    stages = {"vision": (threads, vision), "compute": (1, {"hand_in": faces * feed["hand_in_ms"]}), "card": (1, card),
              "match": (1, {"match": faces * feed["match_ms"]})}
    rates = {name: count * 1e3 / max(ms, LEAST_MS) for count, steps in stages.values() for name, ms in steps.items()}
    groups = {name: count * 1e3 / max(sum(steps.values()), LEAST_MS) for name, (count, steps) in stages.items()}
    slowest = min(groups, key=groups.get)
    inside = stages[slowest][1]
    return {"photos_per_second": {name: round(rate, 1) for name, rate in (rates | groups).items()},
            "starves_at": max(inside, key=inside.get), "card_busy": round(groups[slowest] / groups["card"], 4)}


def balance(card, rounds):
    rows, feeds, cores = [], {}, len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        portraits = [ROOT / f"build/photos/{name}.jpg" for name in PORTRAITS]
        together = pathlib.Path(folder, "group.jpg")
        together.write_bytes(group(portraits))
        for name, photos in {"portraits, 1 to 3 megapixels": portraits, "640x480": [together]}.items():
            feeds[name] = [time_feed(photos, threads, rounds) for threads in THREADS if threads <= cores]
            for detector in ("hog", "cnn"):
                for threads in THREADS:
                    feed = max((one for one in feeds[name] if one["threads"] <= threads), key=lambda one: one["threads"])
                    rows.append({"photos": name, "detector": detector, "vision_threads": threads,
                                 **balanced(feed, threads, detector, *card_times(feed, card)),
                                 "vision": "measured" if feed["threads"] == threads else f"calculated from {feed['threads']}",
                                 "card": "measured" if card else "expected"})
    return {"balance": rows, "feed": feeds}


def show(found):
    print(f"{found['machine']}, commit {found['commit']}")
    if found.get("not_run"):
        print(f"no GPU: not run ({found['not_run']})")
    else:
        print(found["card"])
        for row in found["embedding"]:
            print(f"  {row['chips']:4} chips  {row['ms']:8.3f} ms (nine of ten within {row['slow_ms']:.3f}; the first three "
                  f"{row['first_ms']:.1f}, {row['second_ms']:.1f}, {row['third_ms']:.3f})  {row['chips_per_second']:10.0f} a second")
        print(f"  {found['lanes']} lanes, 128 chips each: {found['lanes_chips_per_second']:.0f} a second")
        print(f"  cnn, 640x480  {found['detector_vga_ms']:.3f} ms; {found['lanes']} lanes: {found['lanes_vga_per_second']:.0f} a second")
    for name, feeds in found["feed"].items():
        for feed in feeds:
            print(f"{name}, {feed['threads']} threads, {feed['faces_a_photo']:.1f} faces a photo: " +
                  ", ".join(f"{key[:-3]} {feed[key]:.3f}" for key in feed if key.endswith("_ms")) + " ms")
    for row in found["balance"]:
        rates = row["photos_per_second"]
        print(f"{row['photos']:30} {row['detector']}  {row['vision_threads']:2} threads: vision {rates['vision']:8.1f} photos/s "
              f"({row['vision']}), card {rates['card']:8.1f} ({row['card']}), match {rates['match']:8.1f}; "
              f"starves at {row['starves_at']}, card busy {row['card_busy']:.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    card, why = time_card()
    found = {**ran_on(), **(card or {"gpu": None, "not_run": why}), **balance(card, options.rounds)}
    if not card:
        found["card_expected"] = {"card": "H200 SXM", "peak_tflop": PEAK_TFLOP, "share": SHARE, "passes_a_face": PASSES,
                                  "up_gb_per_second": UP_GB_A_SECOND}
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
