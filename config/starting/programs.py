"""The programs of a service, and their effective settings, which the programs themselves print."""
import json
import os
import pathlib
import re
import shutil
import subprocess

from .output import Refused
from .words import ROOT

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN") or ROOT / "build/release/bin")
ANSWER_SECONDS = 60
SERVERS = ("redis-server", "redis-check-rdb", "valkey-server", "valkey-check-rdb")  # the second and fourth are servers too (config/redis)


def path_of(name):
    path = PROGRAMS / name
    if not os.access(path, os.X_OK):
        raise Refused(f"{path} is not there or cannot be run: ./run builds it; VULTUS_BIN names another folder with the programs")
    return str(path)


def need_redis():
    """config/redis uses Debian's redis-tools, which contain the server under another name."""
    if not any(map(shutil.which, SERVERS)):
        raise Refused("there is no redis-server in PATH: apt-get install redis-tools (or redis-server), 7.0 or newer")


def settings_of(name, config, sets):
    """{"api": {"port": 5000, ...}, ...} of `vultus-NAME` with the file and the words."""
    command = [path_of(f"vultus-{name}"), "--config", config, *words_of(sets), "--print-config"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", cwd=ROOT, timeout=ANSWER_SECONDS,
                              stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as why:
        raise Refused(f"vultus-{name} cannot be run: {why}") from None
    if done.returncode:
        printed = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        raise Refused(f"{printed[-1]} (settings of vultus-{name})")
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise Refused(f"vultus-{name} --print-config gives no JSON: {PROGRAMS} has programs of another version; ./run builds them "
                      "anew") from None


def words_of(sets):
    return [word for one in sets for word in ("--set", one)]


def key_settings(keys, title, role):
    """The settings for a process' CURVE key, which is created if it is missing (shared/CURVE.md)."""
    secret = keys / f"{title}.secret"
    if not secret.exists():
        done = subprocess.run([path_of("vultusctl"), "--keys", keys, "curve", "make", title, "--role", role],
                              capture_output=True, text=True)
        if done.returncode:
            raise Refused(done.stderr or f"vultusctl curve make {title} ended with exit code {done.returncode}")
    try:
        broker = (keys / "broker.public").read_text().strip()
    except OSError as why:
        raise Refused(f"{keys / 'broker.public'}: {why.strerror}: remove {keys} to have new keys made") from None
    return [f"curve.key_file={secret}", f"curve.broker_key={broker}", f"curve.allow_list={keys}/allowed"]


def plain_reason(name, line):
    """A line of a log without timestamp and program name."""
    line = re.sub(r"^\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ [#*.-] ", "", line)
    return line.removeprefix(f"{name}: ")
