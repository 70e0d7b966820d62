#!/usr/bin/env python3
"""Notes the CPU time and memory of each compilation (as a compiler launcher), and reports the slowest.

A file that takes more than 120 s or 2 GB fails the report: it would keep people with small machines out.
CPU time, so that a busy machine does not fail it.
"""
import resource
import subprocess
import sys

SECONDS_MAX, MEGABYTES_MAX = 120, 2048


def report(logs):
    rows = {}
    for log in logs:
        try:
            for line in open(log):
                seconds, megabytes, name = line.split(maxsplit=2)
                rows[name.strip()] = max(rows.get(name.strip(), (0.0, 0)), (float(seconds), int(megabytes)))
        except FileNotFoundError:
            pass
    slowest = sorted(rows.items(), key=lambda row: row[1], reverse=True)[:10]
    print("slowest files:")
    for name, (seconds, megabytes) in slowest:
        print(f"  {seconds:6.1f} s {megabytes:5d} MB  {name}")
    over = [name for name, (s, mb) in rows.items() if s > SECONDS_MAX or mb > MEGABYTES_MAX]
    for name in over:
        print(f"{name} is over {SECONDS_MAX} s or {MEGABYTES_MAX} MB")
    return 1 if over else 0


def watch(log, command):
    code = subprocess.call(command)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(log, "a") as out:
        out.write(f"{used.ru_utime + used.ru_stime:.1f} {used.ru_maxrss // 1024} {command[-1]}\n")
    return code


if __name__ == "__main__":
    sys.exit(report(sys.argv[2:]) if sys.argv[1] == "--report" else watch(sys.argv[1], sys.argv[2:]))
