#!/usr/bin/env python3
"""Runs clang over the product files of a compilation database: -fsyntax-only, or clang-tidy (--tidy). Without --tidy it
also fails for a file that clang-format (.clang-format) would change.

Any warning fails. Flags that only g++ knows are left out. Two files at a time.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRODUCT = ("shared", "broker", "workers", "api", "clients")
ONLY_GCC = {"-Wno-restrict", "-Wno-maybe-uninitialized"}
CLANG = shutil.which("clang++-14") or "clang++"


def flags_of(entry):
    words = shlex.split(entry["command"])
    keep = [w for w in words if w.startswith(("-I", "-D", "-W", "-std", "-march")) and w not in ONLY_GCC]
    systems = [words[i + 1] for i, w in enumerate(words) if w == "-isystem"]
    return keep + [part for folder in systems for part in ("-isystem", folder)]


def check(entry, tidy):
    name = entry["file"]
    if tidy:
        command = ["clang-tidy", "--quiet", "--warnings-as-errors=*", name, "--", *flags_of(entry)]
    else:
        command = [CLANG, "-fsyntax-only", *flags_of(entry), name]
    done = subprocess.run(command, capture_output=True, text=True)
    return name, done.returncode, done.stdout + done.stderr


def unformatted():
    """The C++ files of product and tests that clang-format would change."""
    files = sorted(str(path) for folder in (*PRODUCT, "tests") for path in (ROOT / folder).rglob("*.[ch]pp"))
    done = subprocess.run(["clang-format", "--dry-run", *files], capture_output=True, text=True, check=True)
    return sorted({line.split(":")[0] for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line})


def main():
    tidy = "--tidy" in sys.argv
    database = json.load(open(sys.argv[-1]))
    entries = {}
    for entry in database:
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PRODUCT and path.suffix == ".cpp":
            entries[entry["file"]] = entry
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("VULTUS_JOBS", "2"))) as pool:
        for name, code, output in pool.map(lambda e: check(e, tidy), entries.values()):
            if code != 0:
                failed += 1
                print(output)
    print(f"{'clang-tidy' if tidy else 'clang'}: {len(entries)} files, {failed} with complaints")
    other = [] if tidy else unformatted()
    for name in other:
        print(f"{name}: run clang-format -i")
    return 1 if failed or other or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
