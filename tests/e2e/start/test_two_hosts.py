"""A worker on another host: what can be read on the wire between them, and who can be reached over it. Two network
namespaces with a cable are two hosts, with Redis behind stunnel; and a recorder on loopback shows the same link where
the kernel lets nobody make namespaces. With plain links the same pictures and names are found on the wire.
"""
import contextlib
import os
import pathlib
import signal
import subprocess

import pytest
import redis
from conftest import ROOT, Service, free_port, names, running, wait_until
from live_client import Live
from two_hosts import Capture, Host, Recorder, namespaces_allowed, share_seen, two_hosts

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
NAME = "Xanthippe Wolkenkratzer"  # stands in no program
REDIS_TLS = 6390
# "namespaces" is left out only where the kernel refuses them; "recorder" always runs.
WAYS = ["recorder"] + (["namespaces"] if namespaces_allowed() else [])


def ctl(*words):
    done = subprocess.run([PROGRAMS / "vultusctl", *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def start(name, log, *words):
    with open(log, "ab") as out:
        return subprocess.Popen(list(map(str, words)), stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=ROOT)


def worker(folder, keys, *settings):
    """One on the second host, with settings that differ from the first host's."""
    folder.mkdir(exist_ok=True)
    words = ["worker.device=cpu", "worker.vision_threads=1", f"common.data={folder}", *keys, *settings]
    return start("worker", folder / "worker.log", PROGRAMS / "vultus-worker", "--config", ROOT / "config/vultus.toml",
                 *(word for one in words for word in ("--set", one)))


def end(process):
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2",
                    "-subj", f"/CN={name}", "-out", folder / f"{name}.crt", "-keyout", folder / f"{name}.key"], check=True,
                   capture_output=True)


def tunnel(folder, name, peer, accept, connect):
    """One end of stunnel: shows its own certificate and takes the other end's alone."""
    (folder / f"{name}.conf").write_text(
        f"foreground = yes\npid =\noutput = {folder}/{name}.log\n[redis]\nclient = {'yes' if name == 'near' else 'no'}\n"
        f"accept = {accept}\nconnect = {connect}\ncert = {folder}/{name}.crt\nkey = {folder}/{name}.key\n"
        f"CAfile = {folder}/{peer}.crt\nverifyPeer = yes\n")
    return start(name, folder / f"{name}.out", "stunnel4", folder / f"{name}.conf")


class Pair:
    """The service without a worker on the first host, and what a worker on the second needs to reach it."""

    def __init__(self, way, curve, folder, undo):
        self.first = self.second = contextlib.nullcontext()
        self.far = folder / "far"
        self.far.mkdir()
        address = "127.0.0.1"
        if way == "namespaces":
            self.first, self.second = undo.enter_context(two_hosts())
            address = "10.77.0.1"
        port = free_port()
        words = ["--curve"] if curve else []
        with self.first:
            self.service = Service(folder, workers=0, words=words, settings=[
                f'common.broker_worker_endpoints=["tcp://{address}:{port}"]', f"curve.insecure={str(not curve).lower()}"])
            undo.callback(self.service.stop)
            self.service.wait_ready()
        redis = [f"redis.socket={folder}/run/redis.sock"]
        if way == "namespaces":
            for name in ("near", "distant"):
                certificate(folder, name)
            with self.first:
                undo.callback(end, tunnel(folder, "distant", "near", f"{address}:{REDIS_TLS}", f"{folder}/run/redis.sock"))
            with self.second:
                undo.callback(end, tunnel(folder, "near", "distant", f"{self.far}/redis.sock", f"{address}:{REDIS_TLS}"))
            redis = [f"redis.socket={self.far}/redis.sock"]
            self.wire = self.capture
        else:
            recorder = Recorder((address, port))
            undo.callback(recorder.close)
            address, port = "127.0.0.1", recorder.port
            self.wire = lambda: recorder
        self.settings = [f'common.broker_worker_endpoints=["tcp://{address}:{port}"]',
                         f"curve.insecure={str(not curve).lower()}", *redis]
        self.keys = []
        if curve:  # made on the second host; its public half alone goes to the first
            made = ctl("--keys", self.far / "keys", "curve", "make", "far-1", "--role", "worker")
            self.public = made.split()[0]
            assert "vultusctl curve allow far-1" in made and not (self.far / "keys/allowed").exists()
            broker = (folder / "keys/broker.public").read_text().strip()
            self.keys = [f"curve.key_file={self.far}/keys/far-1.secret", f"curve.broker_key={broker}"]

    def capture(self):
        with self.second:
            return Capture()

    def workers(self):
        with self.first:
            return self.service.call("GET", "/api/status").json()["workers"]

    def refused(self):
        """The broker's own word, which is in the status when it answered in time."""
        def told():
            brokers = self.service.call("GET", "/api/status").json()["brokers"]
            return next((one for one in brokers if "refused_peers" in one), None)
        with self.first:
            return wait_until(told, what="the broker's answer")["refused_peers"]

    def work(self, photos):
        """Everything that sends a photo or a name to the worker."""
        with self.first:
            self.service.train(NAME, photos["small_obama"])
            assert names(self.service.recognize(photos["small_obama2"])) == [NAME]
            told = self.service.call("POST", "/api/recognize", params={"durable": "false"},
                                     files=[("file", ("a.jpg", photos["small_obama2"]))])
            assert NAME in told.text, told.text
            live = Live(self.service.port)
            try:
                assert live.ask(photos["small_obama"])["faces"][0]["label"] == NAME
            finally:
                live.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("curve", [True, False], ids=["curve", "plain"])
def test_what_the_wire_shows(way, curve, photos, tmp_path):
    with contextlib.ExitStack() as undo:
        pair = Pair(way, curve, tmp_path, undo)
        if curve:
            ctl("--data", tmp_path, "curve", "allow", "far-1", pair.public, "--role", "worker")
        wire = pair.wire()
        with pair.second:
            undo.callback(end, worker(pair.far, pair.keys, *pair.settings))
        wait_until(pair.workers, 120, f"the worker: {pair.far / 'worker.log'}")
        pair.work(photos)
        seen = wire.close()
    assert len(seen) > len(photos["small_obama2"]), "the wire was not listened to"
    shares = {name: share_seen(photos[name], seen) for name in ("small_obama", "small_obama2")}
    if curve:
        assert set(shares.values()) == {0} and NAME.encode() not in seen, shares
        assert b"VLT1" not in seen and b"CURVE" in seen
    else:
        assert min(shares.values()) > 0.5 and NAME.encode() in seen, shares


@pytest.mark.parametrize("way", WAYS)
def test_who_is_kept_out(way, photos, tmp_path):
    """A plain worker, one with a key that nobody knows, one with a key for the other socket: none is served."""
    with contextlib.ExitStack() as undo:
        pair = Pair(way, True, tmp_path, undo)
        ctl("--data", tmp_path, "curve", "allow", "as-api", pair.public, "--role", "api")
        unknown = ctl("--keys", pair.far / "keys", "curve", "make", "far-2", "--role", "worker").split()[0]
        second = [f"curve.key_file={pair.far}/keys/far-2.secret", pair.keys[1]]
        for number, keys in enumerate((["curve.insecure=true"], second, pair.keys)):
            before = pair.refused()
            with pair.second:
                one = worker(tmp_path / f"w{number}", keys, *(s for s in pair.settings if "insecure" not in s))
            try:
                wait_until(lambda: pair.refused() > before + 1, 120, f"worker {number} at the door")
                assert pair.workers() == [] and one.poll() is None
                assert "broker_ready_sent" not in (tmp_path / f"w{number}/worker.log").read_text()
            finally:
                end(one)
        log = (tmp_path / "log/broker.log").read_text()
        assert "peer_refused" in log and (unknown in log or pair.public in log)


def test_who_lacks_the_certificate_does_not_reach_redis(tmp_path):
    """The tunnel's two ends over loopback, and a third with a certificate of its own."""
    with contextlib.ExitStack() as undo:
        service = undo.enter_context(running(workers=0))
        for name in ("near", "far", "foreign"):
            certificate(tmp_path, name)
        port = free_port()
        undo.callback(end, tunnel(tmp_path, "far", "near", f"127.0.0.1:{port}", service.data / "run/redis.sock"))
        undo.callback(end, tunnel(tmp_path, "near", "far", tmp_path / "redis.sock", f"127.0.0.1:{port}"))
        text = (tmp_path / "near.conf").read_text().replace("/near.", "/foreign.").replace("redis.sock", "foreign.sock")
        (tmp_path / "foreign.conf").write_text(text)
        undo.callback(end, start("foreign", tmp_path / "foreign.out", "stunnel4", tmp_path / "foreign.conf"))
        for socket in ("redis.sock", "foreign.sock"):
            wait_until((tmp_path / socket).exists, what=socket)
        wait_until(redis.Redis(unix_socket_path=f"{tmp_path}/redis.sock").ping, what="Redis through the tunnel")
        with pytest.raises(redis.exceptions.ConnectionError):
            redis.Redis(unix_socket_path=f"{tmp_path}/foreign.sock").ping()
