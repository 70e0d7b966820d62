"""./run --curve: api, broker and workers know one another by key, and whoever else comes to the broker's sockets is told
nothing and given nothing. Keys are taken away while the service runs.
"""
import os
import pathlib
import signal
import socket
import stat
import subprocess

import pytest
from conftest import ROOT, names, running, wait_until
from live_client import Live

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))


def ctl(*words):
    return subprocess.run([PROGRAMS / "vultusctl", *map(str, words)], capture_output=True, text=True, timeout=60)


def key_of(folder, name, role):
    """The settings of a new key that is on no list of the service."""
    made = ctl("--keys", folder, "curve", "make", name, "--role", role)
    assert made.returncode == 0, made.stderr
    return folder / f"{name}.secret", made.stdout.split()[0]


@pytest.fixture(scope="module")
def closed():
    with running(words=["--curve"], workers=2) as one:
        yield one


def status(service):
    return service.call("GET", "/api/status").json()


def refused(service):
    """How many the broker did not let in; 0 while the api waits for it to listen anew."""
    return status(service)["brokers"][0].get("refused_peers", 0)


def log_of(service, name):
    return (service.data / f"log/{name}.log").read_text(errors="replace")


def test_everything_works_over_encrypted_links(closed, photos):
    assert "links=curve" in log_of(closed, "broker")
    closed.train("Barack", photos["small_obama"])
    assert names(closed.recognize(photos["small_obama2"])) == ["Barack"]
    unstored = closed.call("POST", "/api/recognize", files=[("file", ("a.jpg", photos["small_obama2"]))],
                           params={"durable": "false"})
    assert names(unstored.json()) == ["Barack"], unstored.text
    live = Live(closed.port)
    try:
        assert [face["label"] for face in live.ask(photos["small_obama"])["faces"]] == ["Barack"]
    finally:
        live.close()
    told = ctl("--data", closed.data, "status")
    assert told.returncode == 0 and told.stdout.count("ready") == 2, told.stdout + told.stderr
    closed.clear()


def test_secrets_are_for_their_owner_and_the_list_has_one_line_each(closed):
    keys = closed.data / "keys"
    secrets = sorted(path.stem for path in keys.glob("*.secret"))
    assert secrets == ["api", "broker", "ctl", "worker-1", "worker-2"]
    for path in keys.glob("*.secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert path.read_text().strip() not in closed.logs(10_000) + closed.said(), path
    listed = {line.split()[0]: line.split()[1] for line in (keys / "allowed").read_text().splitlines() if line[0] != "#"}
    assert listed == {"api": "api", "ctl": "api", "worker-1": "worker", "worker-2": "worker"}
    shown = ctl("--data", closed.data, "curve", "list")
    assert shown.returncode == 0 and all(name in shown.stdout for name in secrets), shown.stdout


@pytest.mark.parametrize("where", ["broker-worker.sock", "broker-api.sock"])
def test_a_plain_peer_is_hung_up_on(closed, where):
    """It speaks ZMTP 3.0 with the mechanism NULL, whatever the other side offers, and goes on with a READY and a message."""
    before = refused(closed)
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(str(closed.data / "run" / where))
        link.sendall(b"\xff" + bytes(7) + b"\x01\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        ready = b"\x05READY\x0bSocket-Type" + (6).to_bytes(4, "big") + b"DEALER"
        heard = b""
        try:
            link.sendall(b"\x04" + bytes([len(ready)]) + ready + b"\x01\x04VLT1\x00\x01\x13")
            while chunk := link.recv(4096):
                heard += chunk
        except ConnectionError:
            pass
        assert b"NULL" not in heard and heard[12:17] in (b"", b"CURVE"), heard
        assert len(heard) <= 64, "the greeting and nothing else"
    wait_until(lambda: refused(closed) > before, what="the count of those who were refused")


class Stranger:
    """A worker of our own beside those of the service."""

    def __init__(self, service, secret, *settings):
        self.log = service.data / "stranger.log"
        command = [PROGRAMS / "vultus-worker", "--config", ROOT / "config/vultus.toml"]
        for setting in (f"common.data={service.data}", "worker.device=cpu", "worker.vision_threads=1",
                        f"curve.key_file={secret}", *settings):
            command += ["--set", setting]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT)

    def said(self):
        return self.log.read_text(errors="replace")

    def is_in(self, service):
        return any(worker["pid"] == self.process.pid for worker in status(service)["workers"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def broker_key(service):
    return "curve.broker_key=" + (service.data / "keys/broker.public").read_text().strip()


@pytest.mark.parametrize("kind", ["unknown", "of an api"])
def test_a_worker_whose_key_is_not_a_workers_gets_nothing(closed, photos, tmp_path, kind):
    secret = key_of(tmp_path, "stranger", "worker")[0] if kind == "unknown" else closed.data / "keys/ctl.secret"
    before = refused(closed)
    one = Stranger(closed, secret, broker_key(closed))
    try:
        wait_until(lambda: refused(closed) > before + 2, 60, "its knocking")
        closed.train("Barack", photos["small_obama"])
        assert not one.is_in(closed) and "broker_ready_sent" not in one.said(), one.said()
        assert one.said().count("broker_refuses") == 1, one.said()
        assert "peer_refused" in log_of(closed, "broker")
    finally:
        one.stop()
        closed.clear()


def test_a_key_is_given_and_taken_away_while_all_runs(closed, photos, tmp_path):
    secret, public = key_of(tmp_path, "guest", "worker")
    one = Stranger(closed, secret, broker_key(closed))
    try:
        allowed = ctl("--data", closed.data, "curve", "allow", "guest", public, "--role", "worker")
        assert allowed.returncode == 0, allowed.stderr
        wait_until(lambda: one.is_in(closed), 60, "the guest among the workers")
        closed.train("Barack", photos["small_obama"])
        told, before = one.said().count("broker_ready_sent"), refused(closed)
        taken = ctl("--data", closed.data, "curve", "remove", "guest")
        assert taken.returncode == 0, taken.stderr
        wait_until(lambda: not one.is_in(closed), what="the guest's end")
        wait_until(lambda: refused(closed) > before, what="its return to a closed door")
        # The others come back by themselves, and nothing was lost.
        wait_until(lambda: len(status(closed)["workers"]) == 2, what="the workers")
        for _ in range(5):
            assert names(closed.recognize(photos["small_obama2"])) == ["Barack"]
        assert not one.is_in(closed)
        assert one.said().count("broker_ready_sent") == told, one.said()
    finally:
        one.stop()
        closed.clear()


def test_a_worker_does_not_talk_to_a_broker_with_another_key(closed, tmp_path):
    other = key_of(tmp_path, "broker", "broker")[1]
    one = Stranger(closed, closed.data / "keys/worker-1.secret", f"curve.broker_key={other}")
    before = refused(closed)
    try:
        wait_until(lambda: refused(closed) > before + 2, 60, "its knocking")
        assert not one.is_in(closed) and "broker_ready_sent" not in one.said()
    finally:
        one.stop()


def test_no_start_with_half_of_it(tmp_path):
    (tmp_path / "run").mkdir()
    secret, public = key_of(tmp_path, "broker", "broker")
    key, listed = f"curve.key_file={secret}", f"curve.allow_list={tmp_path}/allowed"
    shared = tmp_path / "shared.secret"
    shared.write_text(secret.read_text())
    shared.chmod(0o640)
    (tmp_path / "short.secret").write_text("abc\n")
    (tmp_path / "short.secret").chmod(0o600)
    (tmp_path / "wrong").write_text("w worker\n")
    wide = "common.broker_worker_endpoints=[\"tcp://0.0.0.0:5561\"]"
    wrong = {"broker": [([key], "curve.allow_list"), ([listed], "curve.key_file"),
                        ([f"curve.broker_key={public}"], "curve.key_file"),
                        ([f"curve.key_file={shared}", listed], "chmod 600"),
                        ([f"curve.key_file={tmp_path}/short.secret", listed], "short.secret"),
                        ([f"curve.key_file={tmp_path}/none", listed], "curve.key_file"),
                        ([wide], "vultusctl curve make")],
             "api": [([key], "curve.broker_key"), ([key, "curve.broker_key=abc"], "64 hexadecimal"),
                     ([f"curve.broker_key={public}"], "curve.key_file"), ([wide], "vultusctl curve make")],
             "worker": [([key], "curve.broker_key"), ([f"curve.broker_key={public}"], "curve.key_file"),
                        ([wide], "vultusctl curve make")]}
    for name, cases in wrong.items():
        for settings, named in cases:
            words = [word for one in (f"common.data={tmp_path}", *settings) for word in ("--set", one)]
            for more in ([], ["--check-config"]):
                done = subprocess.run([PROGRAMS / f"vultus-{name}", *words, *more], capture_output=True, text=True, timeout=20)
                assert done.returncode == 2 and named in done.stderr and done.stderr.count("\n") == 1, (settings, done)
                assert secret.read_text().strip() not in done.stderr
    words = [word for one in (f"common.data={tmp_path}", key, f"curve.allow_list={tmp_path}/wrong")
             for word in ("--set", one)]
    done = subprocess.run([PROGRAMS / "vultus-broker", *words], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "wrong:1: must be: name role key" in done.stderr, done
