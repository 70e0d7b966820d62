#!/usr/bin/env python3
"""Registers and spills of the kernels in launches.cu, as ptxas has them for each architecture of workers/cuda.cmake; part of
`./test gpu`. Needs nvcc and no GPU.

    kernel_registers.py

Prints a row a kernel and number format: registers on each architecture. Fails if a kernel spills, or needs more registers than
LIMIT: with 64 a multiprocessor of every architecture holds as many threads as it can, or half of them.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 64
WIDE_LIMIT = {"grouped": 128, "depthwise": 128}  # these keep weights and sums


def architectures():
    text = (ROOT / "workers/cuda.cmake").read_text()
    return [word.split("-")[0] for word in re.search(r"CMAKE_CUDA_ARCHITECTURES ([^)]*)\)", text)[1].split()]


def compiled(nvcc, architecture):
    """What ptxas says of it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([nvcc, "-cubin", f"-arch=sm_{architecture}", "-O3", "-std=c++17", "-I", ROOT, "-Xptxas", "-v",
                               "-Xcompiler", "-march=x86-64-v3", "-o", f"{folder}/launches.cubin",
                               ROOT / "workers/engine/cuda/launches.cu"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stderr


def kernels_of(text):
    """(name, registers, bytes spilled) of each kernel."""
    for part in text.split("Compiling entry function '")[1:]:
        symbol = part[:part.index("'")]
        name = re.search(r"\d([a-z_]+)_body", symbol)[1] + (" fp32" if re.search(r"_bodyIf", symbol) else " fp16")
        spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
        yield name, int(re.search(r"Used (\d+) registers", part)[1]), int(spilled[1]) + int(spilled[2])


def main():
    nvcc = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    if nvcc is None:
        sys.exit("no nvcc")
    listed, used, wrong = architectures(), collections.defaultdict(dict), []
    for architecture in listed:
        for name, registers, spilled in kernels_of(compiled(nvcc, architecture)):
            used[name][architecture] = registers
            if spilled > 0:
                wrong.append(f"{name} on {architecture}: {spilled} bytes spilled")
            if registers > WIDE_LIMIT.get(name.split()[0], LIMIT):
                wrong.append(f"{name} on {architecture}: {registers} registers")
    print(f"{'registers':24}" + "".join(f"{one:>6}" for one in listed))
    for name in sorted(used):
        print(f"{name:24}" + "".join(f"{used[name][one]:6}" for one in listed))
    if not used:
        wrong.append("no kernel found")
    print("\n".join(wrong) or f"{len(used)} kernels, no spills")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
