#!/usr/bin/env python3
"""Starts Redis, the broker, the workers and the api, starts again what dies, and stops all in order.

This is what ./run does after building. Each program is a child with a log in <data>/log; one that ends
by itself is started again after a back-off. SIGINT or SIGTERM drains: first the api (no new work), then
the workers (they finish what they hold), the broker and Redis; a second signal ends everything at once.
Python's standard library only.
"""
import argparse
import ctypes
import fcntl
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import redis_users

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/release/bin"))
READY_SECONDS = 120    # loading a large append-only file and the models takes its time
DRAIN_SECONDS = 35     # a little more than drain_timeout of the programs
UNIX_PATH_MAX = 100    # sun_path holds 108 bytes; ZeroMQ and Redis add nothing to ours


def say(text):
    print(text, flush=True)


def die_with_parent():
    """Runs in the child: SIGTERM when the supervisor is gone, even by kill -9."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Child:
    """One program: how to start it, and what became of it."""

    def __init__(self, name, command, log, environment=None):
        self.name, self.command, self.log = name, command, log
        self.environment = {**os.environ, **(environment or {})}
        self.process, self.started, self.back_off, self.again_at = None, 0.0, 0.2, 0.0

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env=self.environment, start_new_session=True, preexec_fn=die_with_parent)
        self.started = time.monotonic()

    def ended(self):
        """The exit code once, when it has just ended; None otherwise."""
        if self.process is None or self.process.poll() is None:
            return None
        code, self.process = self.process.returncode, None
        if time.monotonic() - self.started > 30:
            self.back_off = 0.2
        self.again_at = time.monotonic() + self.back_off
        self.back_off = min(self.back_off * 2, 5.0)
        return code

    def stop(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def tail(self):
        try:
            return "".join(open(self.log, errors="replace").readlines()[-5:])
        except OSError:
            return ""


def describe(code):
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Service:
    """All children of one data folder."""

    def __init__(self, options):
        self.options = options
        self.data = pathlib.Path(options.data).resolve()
        self.run, self.logs = self.data / "run", self.data / "log"
        for folder in (self.data, self.run, self.logs, self.data / "redis"):
            folder.mkdir(parents=True, exist_ok=True)
        self.run.chmod(0o700)
        if len(str(self.run / "broker-worker.sock")) > UNIX_PATH_MAX:
            sys.exit(f"{self.data}: the path is too long for sockets; choose a shorter --data")
        self.lock = open(self.run / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"{self.data} is in use by another ./run; give this one its own --data and --port")
        self.signals = 0
        self.users = self.data / "redis-users" if options.redis_users else None
        self.keys = self.data / "keys" if options.curve else None
        self.scheme = "http"
        self.own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # its certificate is for other names than this machine's own
        self.own.check_hostname, self.own.verify_mode = False, ssl.CERT_NONE
        self.redis = Child("redis", self.redis_command(), self.logs / "redis.log")
        self.broker = self.program("broker")
        self.workers = [self.program("worker", n) for n in range(1, len(options.devices) + 1)]
        self.api = self.program("api")
        if self.keys:
            self.link_key("ctl", "api")
        self.children = [self.redis, self.broker, *self.workers, self.api]

    def redis_command(self):
        command = [str(ROOT / "config/redis"), str(ROOT / "config/redis.conf"), str(self.data / "redis"),
                   "--unixsocket", str(self.run / "redis.sock")]
        if self.options.redis_port:
            command += ["--port", str(self.options.redis_port)]
        if self.users:
            command += ["--aclfile", str(redis_users.write_users(self.users, self.password()))]
        elif self.options.redis_port:
            command += ["--requirepass", self.password()]
        return command

    def password(self):
        """Of Redis' default user; vultusctl reads it there, too. None: it needs none."""
        if not self.users and not self.options.redis_port:
            return None
        path = self.run / "redis.password"
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_hex(24))
        return path.read_text()

    def link_key(self, title, role):
        """The settings with which a process proves who it is; its key is made if it has none (shared/CURVE.md)."""
        secret = self.keys / f"{title}.secret"
        if not secret.exists():
            done = subprocess.run([PROGRAMS / "vultusctl", "--keys", self.keys, "curve", "make", title, "--role", role],
                                  capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr.strip())
        broker = (self.keys / "broker.public").read_text().strip()
        return [f"curve.key_file={secret}", f"curve.broker_key={broker}", f"curve.allow_list={self.keys}/allowed"]

    def program(self, name, number=None):
        title = name if number is None else f"{name}-{number}"
        command = [str(PROGRAMS / f"vultus-{name}"),
                   "--config", str(self.options.config or ROOT / "config/vultus.toml"),
                   "--set", f"common.data={self.data}"]
        if self.users:
            command += ["--set", f"redis.user=vultus-{name}",
                        "--set", f"redis.password_file={self.users}/vultus-{name}.password"]
        elif self.options.redis_port:
            command += ["--set", f"redis.password={self.password()}"]
        if self.keys:
            for setting in self.link_key(title, name):
                command += ["--set", setting]
        if name == "api":
            command += ["--set", f"api.port={self.options.port}"]
        if name == "worker":
            command += ["--set", f"worker.device={self.options.devices[number - 1]}"]
            if len(self.options.devices) > 1:
                cores = len(os.sched_getaffinity(0))
                threads = max(1, cores // len(self.options.devices))
                command += ["--set", f"worker.vision_threads={threads}"]
        for setting in self.options.set:
            command += ["--set", setting]
        return Child(title, command, self.logs / f"{title}.log")

    # ---- start ------------------------------------------------------------------------------

    def redis_answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.run / "redis.sock"))
                if self.password():
                    connection.sendall(f"AUTH {self.password()}\r\n".encode())
                    connection.recv(64)
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def service_answers(self):
        address = f"{self.scheme}://127.0.0.1:{self.options.port}"
        try:
            with urllib.request.urlopen(f"{address}/healthz/ready", timeout=1, context=self.own):
                pass
            with urllib.request.urlopen(f"{address}/api/status", timeout=1, context=self.own) as answer:
                return len(json.load(answer)["workers"]) >= len(self.workers)
        except urllib.error.HTTPError as refusal:
            if refusal.code == 400:  # plain HTTP to a port that speaks TLS
                self.scheme = "https"
            return refusal.code == 401  # it asks for keys, and none is here: that it is ready must do
        except (OSError, ValueError, KeyError):
            return False

    def wait_until(self, condition, what):
        end = time.monotonic() + READY_SECONDS
        while not condition():
            if self.signals:
                return False
            for child in self.children:
                code = child.ended()
                if code is not None:
                    say(f"{child.name} ended with {describe(code)}:\n{child.tail()}")
                    return False
            if time.monotonic() > end:
                say(f"{what} did not get ready within {READY_SECONDS} s; see {self.logs}")
                return False
            time.sleep(0.05)
        return True

    def start(self):
        self.redis.start()
        if not self.wait_until(self.redis_answers, "redis"):
            return False
        for child in self.children[1:]:
            child.start()
        if not self.wait_until(self.service_answers, "the service"):
            return False
        say(f"ready {self.scheme}://127.0.0.1:{self.options.port}")
        return True

    def once(self, words):
        """vultusctl without workers and api, which others may reach only when there is a key."""
        ctl = [PROGRAMS / "vultusctl", "--data", self.data]
        self.redis.start()
        try:
            if not self.wait_until(self.redis_answers, "redis"):
                return 1
            self.broker.start()  # it brings the functions into a new Redis
            if not self.wait_until(lambda: subprocess.run([*ctl, "key", "list"], capture_output=True).returncode == 0,
                                   "the store"):
                return 1
            return subprocess.call([*ctl, *words])
        finally:
            self.stop()

    # ---- run and stop -----------------------------------------------------------------------

    def watch(self):
        while not self.signals:
            for child in self.children:
                code = child.ended()
                if code is not None:
                    say(f"{child.name} ended with {describe(code)}; "
                        f"it is started again in {child.again_at - time.monotonic():.1f} s")
                elif child.process is None and time.monotonic() >= child.again_at:
                    child.start()
                    say(f"{child.name} started again (pid {child.process.pid})")
            time.sleep(0.1)

    def stop(self):
        for group in ([self.api], self.workers, [self.broker], [self.redis]):
            seen = self.signals
            for child in group:
                child.stop()
            end = time.monotonic() + DRAIN_SECONDS
            for child in group:
                while child.process is not None and child.process.poll() is None:
                    if time.monotonic() > end or self.signals > max(seen, 1):
                        child.stop(signal.SIGKILL)
                        child.process.wait()
                    time.sleep(0.02)

    def on_signal(self, _number, _frame):
        self.signals += 1


def arguments():
    parser = argparse.ArgumentParser(
        prog="./run", description="Builds and runs Vultus on this machine; './run demo' tries it once.")
    parser.add_argument("--port", type=int, default=5000, help="of the api (default 5000)")
    parser.add_argument("--data", default="data", help="folder for Redis' files, sockets and logs")
    parser.add_argument("--workers", type=int, help="worker processes (default 1)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda:N, or all: a worker for each card, and "
                             "--workers on processors beside them if that is given")
    parser.add_argument("--redis-port", type=int, default=0,
                        help="open Redis on this loopback port, with a generated password "
                             "(<data>/run/redis.password); without it only the unix socket")
    parser.add_argument("--redis-users", action="store_true",
                        help="a Redis user for each kind of process, with just the commands it needs, and a password for "
                             "all others (<data>/redis-users)")
    parser.add_argument("--curve", action="store_true",
                        help="links between api, broker and workers that are encrypted, both ends known by key; keys are "
                             "made if missing (<data>/keys)")
    parser.add_argument("--ctl", nargs=argparse.REMAINDER, metavar="...",
                        help="starts Redis and the broker, does `vultusctl ...`, ends: makes the first key or user of a service that "
                             "does not start without one")
    parser.add_argument("--config", help="settings file (default config/vultus.toml)")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value",
                        help="one setting of config/vultus.toml; may be repeated")
    options = parser.parse_args()
    options.devices = devices(options.device, options.workers)
    return options


def cards():
    """Numbers of this machine's NVIDIA cards, as the driver lists them."""
    return sorted(int(name.removeprefix("nvidia")) for name in os.listdir("/dev")
                  if re.fullmatch(r"nvidia[0-9]+", name))


def devices(device, workers):
    """The device of each worker: the one asked for, or each card and `workers` processors."""
    if device != "all":
        return [device] * (1 if workers is None else workers)
    found = [f"cuda:{n}" for n in range(len(cards()))] + ["cpu"] * (workers or 0)
    if not found:
        sys.exit("--device all: this machine has no NVIDIA card (or no driver); --device cpu runs "
                 "without, --workers N adds processors")
    return found


def main():
    service = Service(arguments())
    signal.signal(signal.SIGINT, service.on_signal)
    signal.signal(signal.SIGTERM, service.on_signal)
    if service.options.ctl:
        return service.once(service.options.ctl)
    ready = service.start()
    if ready:
        service.watch()
    say("stopping")
    service.stop()
    say("stopped")
    return 0 if ready or service.signals else 1


if __name__ == "__main__":
    sys.exit(main())
