"""How fast a card runs both networks: ./test bench gpu [--json]. Builds the cuda preset and lets gpu_time
measure; without a toolkit or a card it says so and measures nothing."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def not_run(why):
    print(json.dumps({"gpu": None, "not_run": why}) if "--json" in sys.argv else f"no GPU: not run ({why})")
    return 0


def main():
    nvcc = shutil.which("nvcc", path=os.environ["PATH"] + ":/usr/local/cuda/bin")
    if nvcc is None:
        return not_run("no CUDA toolkit")
    for command in (["cmake", "--preset", "cuda"],
                    ["ninja", "-C", "build/cuda", "-j", os.environ.get("VULTUS_JOBS", "2"), "gpu_time", "vultus_cuda"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit((done.stdout + done.stderr)[-4000:])
    measured = subprocess.run([ROOT / "build/cuda/bin/gpu_time"], cwd=ROOT, capture_output=True, text=True)
    if measured.returncode == 2:
        return not_run(measured.stderr.strip().splitlines()[-1])
    if measured.returncode != 0:
        sys.exit(measured.stderr)
    found = json.loads(measured.stdout.splitlines()[-1])
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    found["commit"] = commit.stdout.strip()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return 0
    print(f"{found['card']}, commit {found['commit']}")
    for row in found["embedding"]:
        print(f"  {row['chips']:4} chips  {row['ms']:8.3f} ms  {row['chips_per_second']:10.0f} a second")
    print(f"  cnn, 640x480  {found['detector_vga_ms']:.3f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
