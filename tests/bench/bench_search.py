#!/usr/bin/env python3
"""The search in galleries of 1,000, 100,000 and 1,000,000 faces of 128 floats, and of 1,000,000 of 256 and 512; one thread.

    ./test bench search [--json] [--rounds 10]

Each size is a process of build/e2e/bin/search_time: our search of one face and of 32, reading the float32 rows once, and FAISS'
IndexFlatL2 (Debian's libfaiss-dev) in turns; the best of the rounds, in CPU time of the thread. Keys of --json:
search_<1k|100k|1m|1m_256|1m_512>_<figure>. b1_over_bandwidth is the time of one face over that of reading the float32 rows once,
share_of_candidates_kept the part of the rows that were compared in float32 after the first look at 8 bits.
"""
import argparse
import json
import pathlib
import subprocess
import sys

from ran_on import ran_on

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SIZES = {"1k": (1_000, 128), "100k": (100_000, 128), "1m": (1_000_000, 128), "1m_256": (1_000_000, 256),
         "1m_512": (1_000_000, 512)}  # faces, floats of each
WANTED = {"search_1m_b1_over_bandwidth": 0.6, "search_1m_256_b1_over_bandwidth": 0.6,
          "search_1m_512_b1_over_bandwidth": 0.6, "search_1m_b32_per_query_over_b1": 0.25,
          "search_1m_speedup_over_faiss_b1": 6, "search_1m_add_worst_ms": 5, "search_1m_remove_worst_ms": 5}


def measure(faces, floats, rounds):
    done = subprocess.run([ROOT / "build/e2e/bin/search_time", str(faces), str(rounds), str(floats)], capture_output=True,
                          text=True, timeout=900)
    if done.returncode != 0:
        sys.exit(f"search_time failed: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    rows = {name: measure(*size, options.rounds) for name, size in SIZES.items()}
    kernel = rows["1m"]["kernel"]
    keys = [key for key in rows["1m"] if key not in ("kernel", "faces", "floats", "rounds")]
    if options.json:
        found = {f"search_{name}_{key}": row[key] for name, row in rows.items() for key in keys}
        print(json.dumps({**found, "kernel": kernel, "rounds": options.rounds, "wanted": WANTED, **ran_on()}))
        return
    where = ran_on()
    print(f"{where['machine']}, commit {where['commit']}, kernel {kernel}, best of {options.rounds}, one thread")
    print(f"{'':30}" + "".join(f"{name:>12}" for name in rows))
    for key in keys:
        print(f"{key:30}" + "".join(f"{row[key]:>12}" for row in rows.values()))


if __name__ == "__main__":
    main()
