"""Where a figure comes from."""
import os
import pathlib
import subprocess


def ran_on():
    """{"machine": cores and processor, "commit": of this tree}"""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            cwd=pathlib.Path(__file__).resolve().parent)
    return {"machine": f"{os.cpu_count()} cores, {model}", "commit": commit.stdout.strip()}
