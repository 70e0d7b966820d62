"""vultusctl where Redis or the broker is absent, silent, slow or wrong: each command ends in time, with 1, and says why."""
import os
import pathlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from bad_service import Absent, BadRedis, BadService
from conftest import ROOT, free_port, jpeg
from PIL import Image

BIN = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
JOB = "01936a3e-8a52-7b02-9c1d-2e3f40516202"


def run(*words, **more):
    return subprocess.run(list(map(str, words)), text=True, errors="replace", capture_output=True, timeout=90,
                          **{"input": "", **more})


COMMANDS = [["status"], ["jobs"], ["faces"], ["tail", "--count", "1"], ["audit"], ["job", JOB], ["cancel", JOB],
            ["kick", JOB], ["bury", JOB], ["delete", JOB], ["drain", "host-1-cpu-0a"], ["export", "{tmp}/out"],
            ["restore", "{tmp}/out"], ["import", "{tmp}/people"], ["erasure", "Ada"], ["retention", "default"], ["fsck"],
            ["encrypt", "--encryption-key", "{tmp}/key"], ["key", "list"], ["key", "create", "--scopes", "read"],
            ["key", "revoke", "0123456789ab"], ["key", "rotate", "0123456789ab"], ["user", "list"],
            ["user", "add", "ada", "--role", "viewer"], ["user", "password", "ada"], ["user", "remove", "ada"]]
REDIS = {"absent": Absent, "silent": lambda: BadRedis(None), "slow": lambda: BadRedis(b"$100000\r\n" + b"x" * 1000, 1.0),
         "html": lambda: BadRedis(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>"), "ok": lambda: BadRedis(b"+OK\r\n"),
         "number": lambda: BadRedis(b":1\r\n"), "words": lambda: BadRedis(b"*2\r\n$3\r\nabc\r\n$0\r\n\r\n"),
         "error": lambda: BadRedis(b"-ERR unknown command\r\n"), "cut": lambda: BadRedis(b"*1000000\r\n$3\r\nabc\r\n")}


@pytest.mark.parametrize("fault", REDIS)
def test_each_command_of_vultusctl_ends_with_a_reason(fault, tmp_path):
    (tmp_path / "people/Ada").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "people/Ada/1.jpg").write_bytes(jpeg(Image.new("RGB", (20, 20))))
    assert run(BIN / "vultusctl", "encryption-key", tmp_path / "key").returncode == 0

    def one(words):
        words = [word.format(tmp=tmp_path) for word in words]
        return words, run(BIN / "vultusctl", "--data", tmp_path / "data", "--redis", f"127.0.0.1:{redis.port}",
                          "--broker", f"tcp://127.0.0.1:{free_port()}", *words, input="ten letters\n")
    with REDIS[fault]() as redis, ThreadPoolExecutor(8) as pool:
        for words, done in pool.map(one, COMMANDS):
            assert done.returncode == 1 and done.stderr.startswith("vultusctl: "), (words, done)
            assert not (tmp_path / "out").exists(), words


@pytest.mark.parametrize("program", ["vultus-api", "vultus-broker", "vultus-worker", "vultusctl", "vultus-lfw", "vultus-camera"])
def test_no_program_says_that_all_is_well_when_its_words_are_lost(program):
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BIN / program), "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "cannot be written" in done.stderr, done


def test_a_broker_that_never_answers_is_not_waited_for(tmp_path):
    with BadService(None) as broker:
        done = run(BIN / "vultusctl", "--data", tmp_path, "--broker", f"tcp://127.0.0.1:{broker.port}", "drain", "w-1")
    assert done.returncode == 1 and "does not reply" in done.stderr, done
