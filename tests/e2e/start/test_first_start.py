"""The start of a container: a supervisor that is the first process reaps orphans and passes signals on; --setup-link prints the link
once, and only where it is read.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest
import requests
from conftest import ROOT, free_port, wait_until

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
FIRST = """
import os, sys, time
sys.path.insert(0, "config")
from starting.init import reap_if_first
reap_if_first()
if os.fork() == 0:                       # its child is an orphan at once, of the first process
    if os.fork() == 0:
        time.sleep(0.2)
        os._exit(0)
    os._exit(0)
os.wait()
time.sleep(0.5)
states = [open(f"/proc/{one}/stat").read().split()[2] for one in os.listdir("/proc") if one.isdigit()]
print(os.getpid(), "Z" in states, flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
@pytest.mark.parametrize("end, code", [("sys.exit(7)", 7), ("os.kill(os.getpid(), 15)", 143),
                                       ("import signal; signal.signal(15, lambda *_: sys.exit(9)); os.kill(1, 15); time.sleep(9)", 9)])
def test_the_first_process_reaps_and_passes_on(end, code):
    done = subprocess.run(["unshare", "-pf", "--mount-proc", sys.executable, "-c", FIRST + end], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    assert done.stdout == "2 False\n" and done.returncode == code, done


def test_another_process_is_left_alone():
    done = subprocess.run([sys.executable, "-c", "import sys; sys.path.insert(0, 'config'); import os; before = os.getpid()\n"
                           "from starting.init import reap_if_first\nreap_if_first(); print(os.getpid() == before)"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "True\n", done


def start(folder, port):
    return subprocess.Popen([sys.executable, ROOT / "config/supervisor.py", "--data", folder, "--port", str(port), "--workers", "0",
                             "--set", "api.access=keys", "--setup-link", f"http://127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True,
                            env={"VULTUS_BIN": str(PROGRAMS), **os.environ, "PATH": f"{ROOT}/build/deps/bin:{os.environ['PATH']}"})


def lines_until_ready(process):
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("ready "):
            return lines
    raise AssertionError(lines)


def test_the_link_is_printed_while_there_is_no_user():
    with tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        process = start(folder, port)
        try:
            [link] = [line for line in lines_until_ready(process) if "#setup=" in line]
            token = re.search(re.escape(url) + r"/#setup=([0-9a-f]{64})$", link).group(1)
            assert requests.get(f"{url}/api/faces", timeout=30).status_code == 401
            told = requests.post(f"{url}/api/setup", json={"token": token, "name": "ada", "password": "correct horse battery"}, timeout=30)
            assert told.status_code == 201, told.text
            kept = "".join(path.read_text(errors="replace") for path in pathlib.Path(folder).rglob("*") if path.is_file())
            assert token not in kept
        finally:
            process.terminate()
            assert process.wait(60) == 0
        process = start(folder, port)
        try:
            assert not any("#setup=" in line for line in lines_until_ready(process)), "there is a user"
            wait_until(lambda: requests.get(f"{url}/healthz/ready", timeout=30).status_code == 200, what="ready")
        finally:
            process.terminate()
            assert process.wait(60) == 0
