"""What every endurance run is judged by: figures that are printed, rules that must hold, slopes that must be about
zero; and what a process has (memory, descriptors, threads) as the kernel counts it.
"""
import argparse
import json
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / f"tests/{folder}") for folder in ("nemesis", "e2e", "bench")]
from ran_on import ran_on  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
LONG = bool(os.environ.get("VULTUS_LONG"))  # as `./test full` sets it: tests that cut a run short cut it less


class Verdict:
    """Says what happens as it happens; keeps what is wrong and the figures of the last line."""

    def __init__(self, name, quiet=False):
        self.name, self.quiet, self.broken, self.figures, self.begin = name, quiet, [], {}, time.monotonic()

    def say(self, text):
        if not self.quiet:
            print(f"{time.monotonic() - self.begin:7.1f} s  {text}", flush=True)

    def rule(self, holds, what):
        """A rule that does not hold is said once, whatever its numbers."""
        if not holds:
            self.broken.append(what)
            if len(self.broken) <= 20:
                self.say(f"BROKEN: {what}")
        return bool(holds)

    def end(self):
        """Prints the JSON object; the exit code."""
        self.figures.update(run=self.name, seconds=round(time.monotonic() - self.begin, 1),
                            broken=self.broken[:20], **ran_on())
        print(json.dumps(self.figures), flush=True)
        return 1 if self.broken else 0


def main(name, text, run, **given):
    """run(options, verdict) with a number for each name, all with a default: --kills 1000. The exit code."""
    parser = argparse.ArgumentParser(prog=f"./test endure {name}", description=text)
    for key, value in given.items():
        parser.add_argument(f"--{key.replace('_', '-')}", type=type(value), default=value, help=f"default {value}")
    parser.add_argument("--programs", type=pathlib.Path, default=PROGRAMS)
    options, verdict = parser.parse_args(), Verdict(name)
    run(options, verdict)
    return verdict.end()


def has(pid):
    """{"memory_kb", "files", "threads"} of a process; None when it is gone."""
    try:
        status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                      if ":\t" in line)
        return {"memory_kb": int(status["VmRSS"].split()[0]), "files": len(os.listdir(f"/proc/{pid}/fd")),
                "threads": int(status["Threads"])}
    except (OSError, KeyError):
        return None


def slope(points):
    """Of the line through (x, y), least squares; 0 for fewer than two different x."""
    if not points:
        return 0.0
    x0, y0 = (sum(column) / len(points) for column in zip(*points))
    wide = sum((x - x0) ** 2 for x, _ in points)
    return sum((x - x0) * (y - y0) for x, y in points) / wide if wide else 0.0
