#!/usr/bin/env python3
"""The onednn backend against dlib's own forward pass on this machine, one thread.

    ./test bench engine [--json] [--rounds 20]

Three configurations, each a process of build/e2e/bin/engine_time that times both sides in turns and keeps the best of each:
avx2 (fp32, ONEDNN_MAX_CPU_ISA=AVX2), avx512 (fp32) and bf16, the last two where the processor has them. dlib and its OpenBLAS use
whatever the processor has in all three. Each figure of --json is an object by configuration. embed_b8_over_fma_limit is the time of
a face over its floating point operations at the measured rate of fused multiply-adds of that vector width; it says nothing for
bf16, whose instructions do more, and is left out there.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

from ran_on import ran_on

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PHOTO = ROOT / "build/photos/obama2.jpg"
CONFIGURATIONS = {"avx2": ("AVX2", "fp32"), "avx512": ("AVX512_CORE", "fp32"), "bf16": ("ALL", "bf16")}
# Of this processor, as the kernel names it.
NEEDS = {"avx2": "avx2", "avx512": "avx512bw", "bf16": "avx512_bf16"}
WANTED = {"embed_b8_speedup_vs_dlib": {"avx2": 2.5, "avx512": 2.7, "bf16": 5},
          "detect_cnn_vga_speedup_vs_dlib": {"avx2": 4.5, "avx512": 6.5, "bf16": 12},
          "embed_b8_over_fma_limit": {"avx2": 1.2, "avx512": 1.2}}


def cpu(field):
    for line in open("/proc/cpuinfo"):
        if line.startswith(field):
            return line.split(":", 1)[1].strip()
    return ""


def measure(name, rounds):
    isa, precision = CONFIGURATIONS[name]
    environment = dict(os.environ, ONEDNN_MAX_CPU_ISA=isa, OPENBLAS_NUM_THREADS="1", DLIB_NUM_THREADS="1")
    done = subprocess.run([ROOT / "build/e2e/bin/engine_time", ROOT / "build/models", PHOTO, precision, str(rounds)],
                          env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"engine_time failed: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    flags = cpu("flags").split()
    rows = {name: measure(name, options.rounds) for name in CONFIGURATIONS if NEEDS[name] in flags}
    keys = [key for key in rows["avx2"] if key not in ("isa", "rounds")]
    found = {key: {name: row[key] for name, row in rows.items()} for key in keys}
    found["embed_b8_over_fma_limit"].pop("bf16", None)
    for key in ("embed_max_relative_difference", "detect_max_score_difference", "detect_max_box_difference_px"):
        found[key + "_fp32"] = max(value for name, value in found[key].items() if name != "bf16")
    found["wanted"] = WANTED
    found.update(ran_on())
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['machine']}, commit {found['commit']}, best of {options.rounds}, one thread")
    print(f"{'':34}" + "".join(f"{name:>12}" for name in rows))
    for key in keys:
        print(f"{key:34}" + "".join(f"{found[key].get(name, ''):>12}" for name in rows))


if __name__ == "__main__":
    main()
