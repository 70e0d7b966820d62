#!/usr/bin/env python3
"""Which lines of the cuda backend (workers/engine/cuda) its tests on the stand-in reach: `./test coverage`.

    gpu_coverage.py BUILD_FOLDER

Runs bin/gpu_coverage of that folder, then asks gcov about every object of it. Prints each file's lines, and those that never ran.
There are no marks in the code that take lines out of the count; a brace alone that never ran is the compiler's own clean-up.
launches.cu, runtime.cpp, ways.cpp and convolution_graph.cpp are not counted: they are libvultus-cuda.so, which the stand-in replaces; ./test gpu
runs them. Fails if another line never ran.
"""
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "workers/engine/cuda"


def counted(build):
    """{file name: {line: times it ran}}, the sum over all objects."""
    lines = collections.defaultdict(collections.Counter)
    for data in sorted((build / "tests/CMakeFiles/gpu_coverage.dir").rglob("*.gcda")):
        told = subprocess.run(["gcov", "--json-format", "--stdout", data], capture_output=True, text=True, check=True, cwd=build)
        for file in json.loads(told.stdout)["files"]:
            path = (build / file["file"]).resolve()
            if path.parent == FOLDER:
                for line in file["lines"]:
                    lines[path.name][line["line_number"]] += line["count"]
    return lines


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    for old in (build / "tests/CMakeFiles/gpu_coverage.dir").rglob("*.gcda"):
        old.unlink()
    tests = subprocess.run([build / "bin/gpu_coverage", "--gtest_brief=1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if tests.returncode != 0:
        sys.exit(tests.stdout[-6000:])
    lines, wrong = counted(build), []
    print(f"{'workers/engine/cuda/':24}{'lines':>7}{'ran':>7}")
    for name, counts in sorted(lines.items()):
        print(f"{name:24}{len(counts):7}{sum(count > 0 for count in counts.values()):7}")
    total = sum(len(counts) for counts in lines.values())
    print(f"{'all':24}{total:7}{sum(count > 0 for counts in lines.values() for count in counts.values()):7}")
    for name, counts in sorted(lines.items()):
        text = (FOLDER / name).read_text().splitlines()
        for number in sorted(line for line, count in counts.items() if count == 0):
            if text[number - 1].strip() == "}":
                continue
            print(f"{name}:{number}: never ran: {text[number - 1].strip()}")
            wrong.append(number)
    return 1 if wrong or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
