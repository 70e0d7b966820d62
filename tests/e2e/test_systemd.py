"""The units of config/systemd: their command lines are good ones, and each is shut in."""
import os
import pathlib
import re
import subprocess

import pytest
from conftest import ROOT

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
UNITS = sorted((ROOT / "config/systemd").glob("*.service"))
EVERY_ONE = ["User=vultus", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "PrivateTmp=yes", "LimitCORE=0",
             "SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM", "PrivateDevices=yes", "UMask=0077"]


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


def test_the_redis_of_its_unit_starts(tmp_path):
    program, conf, _, *words = command_of(ROOT / "config/systemd/vultus-redis.service")
    assert program == "/opt/vultus/config/redis" and conf == "/opt/vultus/config/redis.conf"
    words = [word.replace("/var/lib/vultus/run", str(tmp_path)) for word in words]
    process = subprocess.Popen([ROOT / "config/redis", ROOT / "config/redis.conf", tmp_path, *words], stdout=subprocess.PIPE,
                               text=True)
    try:
        assert any("ready to accept connections" in line for line in process.stdout), "Redis starts"
    finally:
        process.terminate()
        process.wait(30)
