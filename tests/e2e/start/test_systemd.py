"""The units of config/systemd: installed as README.md there says, they run by their own commands, PATH and environment; each is shut in,
bounded, and never given up.
"""
import os
import pathlib
import re
import shlex
import subprocess

import pytest
import requests
from conftest import ROOT, free_port, jpeg, wait_until, waits_for_lock
from PIL import Image

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
UNITS = sorted((ROOT / "config/systemd").glob("*.service"))
EVERY_ONE = ["User=vultus", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "PrivateTmp=yes", "LimitCORE=0",
             "SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM", "PrivateDevices=yes", "UMask=0077",
             "StartLimitIntervalSec=0", "Restart=always", "RestartSec=2"]
ORDER = ["vultus-redis", "vultus-broker", "vultus-worker@", "vultus-api"]
# What a service of the system gets from systemd 252 of Debian; nothing of the shell that starts this test.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"


def command_of(unit):
    return re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.M)[-1].split()


def test_there_is_one_for_each_process():
    assert {unit.stem for unit in UNITS} == {"vultus-redis", "vultus-broker", "vultus-worker@", "vultus-api"}
    wanted = re.search(r"^Wants=(.+)$", (ROOT / "config/systemd/vultus.target").read_text(), re.M).group(1).split()
    assert {name.replace("@1", "@") for name in wanted} == {unit.name for unit in UNITS}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_shut_in(unit):
    lines = unit.read_text().splitlines()
    assert [line for line in EVERY_ONE if line not in lines] == []
    assert lines.index("StartLimitIntervalSec=0") < lines.index("[Service]"), "systemd reads it in [Unit] alone"
    assert any(line.startswith("MemoryMax=") for line in lines) and any(line.startswith("TasksMax=") for line in lines)
    assert ("PrivateNetwork=yes" in lines) == (unit.stem != "vultus-api")
    families = next(line for line in lines if line.startswith("RestrictAddressFamilies="))
    assert families == "RestrictAddressFamilies=AF_UNIX" + (" AF_INET AF_INET6" if unit.stem == "vultus-api" else "")


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "redis" not in unit.stem], ids=lambda unit: unit.stem)
def test_its_command_line_is_taken(unit):
    program, *words = command_of(unit)
    words = [word.replace("/etc/vultus/vultus.toml", str(ROOT / "config/vultus.toml")) for word in words]
    done = subprocess.run([PROGRAMS / pathlib.Path(program).name, *words, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "redis" not in unit.stem], ids=lambda unit: unit.stem)
def test_with_a_key_it_is_the_same_command_and_may_reach_others(unit, tmp_path):
    change = ROOT / f"config/systemd/curve/{unit.name}.d/curve.conf"
    program, *words = command_of(change)
    assert [program, *words][:len(command_of(unit))] == command_of(unit)
    key = words[words.index("--set", words.index("--set") + 1) + 1]
    assert key.startswith("curve.key_file=/var/lib/vultus/keys/")
    secret = tmp_path / "one.secret"
    made = subprocess.run([PROGRAMS / "vultusctl", "--keys", tmp_path, "curve", "make", "one", "--role", "broker"], capture_output=True)
    assert made.returncode == 0 and secret.exists()
    words = [word.replace("/etc/vultus/vultus.toml", str(ROOT / "config/vultus.toml")) for word in words]
    words[words.index(key)] = f"curve.key_file={secret}"
    words = [word.replace("/var/lib/vultus/keys/allowed", str(tmp_path / "allowed")) for word in words]
    (tmp_path / "allowed").touch(0o600)
    toml = ["--set", f"curve.broker_key={'0' * 64}"] if "broker" not in unit.stem else []
    checked = [PROGRAMS / pathlib.Path(program).name, *words, *toml, "--check-config"]
    done = subprocess.run(checked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6" in (unit.read_text() + change.read_text()).splitlines()


class Machine:
    """The folders of a machine below one folder, filled by the commands of README.md."""

    def __init__(self, top):
        self.top = top
        for folder in ("etc/systemd/system", "var/lib", "opt"):
            (top / folder).mkdir(parents=True)
        (top / "var/lib/vultus").mkdir(mode=0o700)  # StateDirectory
        text = (ROOT / "config/systemd/README.md").read_text()
        block = re.search(r"^(?:    .+\n)+", text, re.M).group()
        lines = [line.strip() for line in block.splitlines()]
        assert lines[0].startswith("apt-get install ") and lines[-1].startswith("systemctl ")
        for line in lines:
            if not line.startswith(("apt-get ", "useradd ", "systemctl ")):
                subprocess.run(["bash", "-euc", self.here(line)], check=True, cwd=ROOT)
        self.processes = []

    def here(self, text):
        for folder in ("/etc/", "/opt/", "/var/lib/"):
            text = text.replace(f" {folder}", f" {self.top}{folder}").replace(f"={folder}", f"={self.top}{folder}")
        return text.replace("build/release/bin", str(PROGRAMS))

    def unit(self, name):
        return self.here((self.top / f"etc/systemd/system/{name}.service").read_text())

    def start(self, name, *more):
        unit = self.unit(name).replace("%i", "1")
        settings = dict(re.findall(r"^(\w+)=(.*)$", unit, re.M))
        environment = {"PATH": PATH, "USER": "vultus", "LOGNAME": "vultus", "HOME": "/var/lib/vultus", "SHELL": "/usr/sbin/nologin",
                       "LANG": "C.UTF-8", "INVOCATION_ID": "0" * 32}
        options = {"env": environment, "cwd": settings["WorkingDirectory"], "umask": int(settings["UMask"], 8),
                   "stdin": subprocess.DEVNULL}
        for command in re.findall(r"^ExecStartPre=(.+)$", unit, re.M):
            subprocess.run(shlex.split(command), check=True, **options)
        log = open(self.top / f"{name}.log", "wb")
        process = subprocess.Popen([*shlex.split(settings["ExecStart"]), *more], stdout=log, stderr=log, **options)
        self.processes.append(process)
        return process

    def said(self):
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in sorted(self.top.glob("*.log")))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            assert process.wait(60) == 0, self.said()


def test_as_documented_the_units_run_by_their_own_commands_and_path(tmp_path, photos):
    machine, port = Machine(tmp_path), free_port()
    url = f"http://127.0.0.1:{port}"
    try:
        for name in ORDER:
            machine.start(name, *(["--set", f"api.port={port}"] if name == "vultus-api" else []))

        def ready():
            assert all(process.poll() is None for process in machine.processes), machine.said()
            try:
                return len(requests.get(f"{url}/api/status", timeout=5).json()["workers"]) == 1
            except (requests.RequestException, KeyError, ValueError):
                return False
        wait_until(ready, 60, "the service")
        answer = requests.post(f"{url}/api/recognize", headers={"Prefer": "wait=30"}, timeout=60,
                               files={"file": ("a.jpg", jpeg(Image.new("RGB", (64, 64))))})
        assert answer.status_code == 200 and answer.json()["state"] == "succeeded", answer.text
        data = tmp_path / "var/lib/vultus"
        assert [path for path in (data, *data.rglob("*")) if path.lstat().st_mode & 0o077] == []
        second = machine.start("vultus-redis")  # by hand, beside the unit: the lock is the running one's
        machine.processes.pop()
        wait_until(lambda: waits_for_lock(second), what="it waits")
        second.kill()
        second.wait()
    finally:
        machine.stop()


def test_systemd_itself_finds_nothing_wrong(tmp_path):
    """`systemd-analyze verify` of the units as they are installed."""
    machine = Machine(tmp_path)
    units = tmp_path / "units"
    units.mkdir()
    for path in (tmp_path / "etc/systemd/system").glob("vultus*"):
        if path.is_file():
            (units / path.name.replace("@.", "@1.")).write_text(machine.here(path.read_text()))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *sorted(map(str, units.iterdir()))], capture_output=True, text=True,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:/lib/systemd/system"})
    told = [line for line in (done.stdout + done.stderr).splitlines() if "vultus" in line]
    assert told == [], told


def test_a_unit_without_redis_says_what_is_missing(tmp_path):
    machine = Machine(tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "env", "id"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    data = tmp_path / "var/lib/vultus/redis"
    data.mkdir()
    command = [machine.top / "opt/vultus/config/redis", machine.top / "opt/vultus/config/redis.conf", data]
    done = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "apt-get install redis-tools" in done.stderr, done.stderr
