"""./run --doctor: each finding on a made-up machine, and all of it on this one. It changes nothing."""
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys

import pytest
from conftest import ROOT, free_port, running

sys.path.insert(0, str(ROOT / "config"))

from starting import doctor, words  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
RELEASE = 'PRETTY_NAME="Some System"\nID=debian\nVERSION_ID="12"\n'
FLAGS = "flags\t\t: fpu avx avx2 bmi1 bmi2 fma\n"


class Room:
    f_frsize, f_files, f_favail, f_flag = 1 << 20, 1000, 1000, 0

    def __init__(self, mib):
        self.f_bavail = mib


def only(found, level, *texts):
    [one] = found
    line = f"{one.about} {one.found} {one.advice}"
    assert one.level == level and all(text in line for text in texts), one
    assert level == "ok" or one.advice or one.about == "data", "a finding says what to do"


def told(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def script(tmp_path, name, text):
    path = told(tmp_path, name, f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_packages(tmp_path):
    release = told(tmp_path, "release", RELEASE)
    lacks = script(tmp_path, "lacks", 'printf "libzmq3-dev\\ncmake\\n"; exit 1')
    only(doctor.system(release, script(tmp_path, "whole", "exit 0")), "ok", "Some System")
    only(doctor.system(release, lacks, may_install=True), "warning", "libzmq3-dev cmake", "./run installs")
    only(doctor.system(release, lacks, may_install=False), "stops", "as root: config/install")
    release = told(tmp_path, "other", "ID=plan9\nVERSION_ID=4\n")
    only(doctor.system(release), "stops", "plan9-4 are not known", "debian-12, debian-13", "docker/README.md")


def test_cpu(tmp_path):
    only(doctor.cpu(told(tmp_path, "new", FLAGS), "x86_64"), "ok", "AVX2")
    only(doctor.cpu(told(tmp_path, "old", "flags : fpu sse4_2 fma\n"), "x86_64"), "stops", "no AVX2, BMI2", "virtual machine")
    only(doctor.cpu(told(tmp_path, "arm", "Features : neon\n"), "aarch64"), "stops", "x86-64 only")


def test_memory_and_limits(tmp_path):
    only(doctor.memory(told(tmp_path, "much", "MemTotal: 8000000 kB\n")), "ok", "7.6 GiB")
    only(doctor.memory(told(tmp_path, "less", "MemTotal: 1000000 kB\n")), "warning", "976 MiB", "2.0 GiB are needed")
    only(doctor.limits((1024, 8192)), "ok", "8192")
    only(doctor.limits((1024, resource.RLIM_INFINITY)), "ok", "no limit")
    only(doctor.limits((1024, 4096)), "warning", "4096", "ulimit -Hn 8192")
    only(doctor.limits((256, 1023)), "stops", "1023")


def test_python_and_redis(tmp_path):
    only(doctor.python((3, 11, 2)), "ok", "3.11.2")
    only(doctor.python((3, 10, 9)), "stops", "3.11 or newer")
    for version, level in (("7.0.15", "ok"), ("8.0.2", "ok"), ("6.2.1", "stops")):
        server = script(tmp_path, "server", f'echo "Redis server v={version} sha=0"')
        only(doctor.redis(lambda _, server=server: str(server)), level, version)
    only(doctor.redis(lambda _: None), "warning", "installs redis-tools")
    server = script(tmp_path, "none", "echo what; exit 1")
    only(doctor.redis(lambda _: str(server)), "stops", "what", "too old or none")


def test_cards(tmp_path):
    driver = told(tmp_path, "driver", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun\n")
    library = tmp_path / "lib.so"
    only(doctor.cards([]), "ok", "none")
    only(doctor.cards([0, 1], driver, library), "warning", "2, driver 580.65.06, not used", "--device cuda:0")
    library.touch()
    only(doctor.cards([0], driver, library), "ok", "1, driver 580.65.06")


def test_programs(tmp_path):
    cmake = told(tmp_path, "cmake", "project(vultus VERSION 1.2.3 LANGUAGES C)\n")
    only(doctor.built(tmp_path, cmake), "warning", "vultus-api is missing", "./run builds it")
    for name in doctor.NAMES:
        script(tmp_path, name, f"echo {name} 1.2.3")
    only(doctor.built(tmp_path, cmake), "ok", "1.2.3")
    script(tmp_path, "vultusctl", "echo vultusctl 1.2.2")
    only(doctor.built(tmp_path, cmake), "warning", "1.2.2, and the source is 1.2.3", "anew")
    script(tmp_path, "vultusctl", "echo error while loading shared libraries: libx.so.1 >&2; exit 127")
    only(doctor.built(tmp_path, cmake), "stops", "libx.so.1", "libraries of this machine")


def test_models(tmp_path):
    manifests, data = tmp_path / "manifests", tmp_path / "data"
    manifests.mkdir()
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    told(manifests, "one.toml", f'kind = "detector"\nrequired = true\nlicence = "MIT"\n[[file]]\nname = "m.dat"\nbytes = 4\n'
                                f'sha256 = "{digest}"\n[[source]]\naddress = "http://localhost/m.dat"\n')
    only(doctor.models(manifests, data), "warning", "m.dat is missing", "config/fetch.py one", "--models FOLDER")
    (data / "models").mkdir(parents=True)
    told(data / "models", "m.dat", "tesT")
    only(doctor.models(manifests, data), "warning", "another SHA-256")
    told(data / "models", "m.dat", "test")
    only(doctor.models(manifests, data), "ok", "one: SHA-256 checked")
    told(manifests, "two.toml", "kind = 3")
    only(doctor.models(manifests, data), "stops", "two.toml", "restore config/models")


def test_settings(tmp_path):
    bad = told(tmp_path, "bad.toml", "[api]\nprot = 1\n")
    known, found = doctor.settings(words.read_words(["--config", str(bad)]))
    assert known is None
    only(found, "stops", "bad.toml", "prot", "mend")
    known, found = doctor.settings(words.read_words(["--set", "api.port=7"]))
    assert known["api"]["port"] == 7
    only(found, "ok")


@pytest.mark.parametrize("mib, built, levels", [
    (9000, True, ["ok"]), (9000, False, ["ok", "ok"]), (500, True, ["warning"]), (1200, False, ["ok", "stops"]),
    (10, True, ["stops"]), (10, False, ["stops", "stops"]),
])
def test_disk(tmp_path, mib, built, levels):
    found = list(doctor.disk(tmp_path / "not/there", built, lambda _: Room(mib)))
    assert [one.level for one in found] == levels


def test_a_data_folder(tmp_path):
    data = tmp_path / "d"
    only(doctor.data_folder(data), "ok", "made by the first start")
    assert not data.exists()
    data.mkdir(mode=0o700)
    only(doctor.data_folder(data), "ok", str(data))
    (data / "access.secret").touch()
    (data / "access.secret").chmod(0o644)
    found = list(doctor.data_folder(data))
    assert [one.level for one in found] == ["warning", "ok"] and "access.secret" in found[0].found
    (data / "access.secret").unlink()
    data.chmod(0o777)
    only(doctor.data_folder(data), "stops", "others may write", "chmod go-w")
    only(doctor.data_folder(tmp_path / ("x" * 120)), "stops", "too long for a unix socket")
    if os.geteuid() == 0:
        data.chmod(0o700)
        os.chown(data, 65534, 65534)
        only(doctor.data_folder(data), "stops", "belongs to nobody")


def test_ports():
    port = free_port()
    only(doctor.ports("127.0.0.1", port, False), "ok", "is free")
    with socket.create_server(("127.0.0.1", port)):
        only(doctor.ports("127.0.0.1", port, False), "stops", f"(pid {os.getpid()})", "choose another --port")
        only(doctor.ports("127.0.0.1", port, True), "ok", "the running service's")
    only(doctor.ports("::", port, False, has_ipv6=False), "stops", "no IPv6", "0.0.0.0")
    only(doctor.ports("192.0.2.1", port, False), "stops", "192.0.2.1", "an address of this machine")


def run_doctor(*given, **more):
    environment = {**os.environ, "VULTUS_BIN": str(PROGRAMS)}
    done = subprocess.run([ROOT / "run", *map(str, given), "--doctor"], capture_output=True, text=True, env=environment, **more)
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout.splitlines()


def test_this_machine(tmp_path):
    code, lines = run_doctor("--data", tmp_path / "d", "--port", 0)
    assert code == 0, "\n".join(lines)
    assert not (tmp_path / "d").exists(), "it made something"
    assert lines[-1].startswith("0 stop the service, ")
    assert {line.split()[1] for line in lines[:-1]} >= {"cpu", "memory", "limits", "python", "redis", "models", "disk", "data", "port"}
    code, lines = run_doctor("--data", tmp_path / "d", "--set", "api.bind=192.0.2.1")
    assert code == 1 and lines[-1].startswith("1 stop the service")


def test_a_running_service_is_no_problem():
    with running() as service:
        code, lines = run_doctor("--data", service.data, "--port", service.url.rsplit(":", 1)[1])
    assert code == 0 and any("in use by a running service" in line for line in lines), "\n".join(lines)


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount needs root")
def test_a_read_only_root(tmp_path):
    (tmp_path / "d").mkdir()
    assert shutil.which("unshare")
    done = subprocess.run(["unshare", "-m", "bash", "-euc", f"mount --bind {tmp_path} {tmp_path}; mount -o remount,ro,bind {tmp_path}; "
                           f"exec ./run --data {tmp_path}/d --port 0 --doctor"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "VULTUS_BIN": str(PROGRAMS)})
    assert done.returncode == 1 and f"{tmp_path}/d cannot be written" in done.stdout, done.stdout + done.stderr
