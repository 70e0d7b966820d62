"""All processes of one data folder: Redis, the broker, the workers, the api. Starts them in this order, restarts one that ends
unexpectedly, and stops them in the opposite order."""
import os
import pathlib
import secrets
import signal
import subprocess
import time
import urllib.parse

import redis_users

from . import programs
from .child import Child, describe
from .folder import Folder
from .output import OUT, Refused
from .probe import Api, redis_state
from .words import ROOT

READY_SECONDS = 120     # loading the models takes long
DRAIN_SECONDS = 35      # a little more than drain_timeout of the programs
WORD_SECONDS = 30       # how often a long load of Redis is reported
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Service:
    def __init__(self, words):
        self.words, self.signals = words, 0
        self.children, self.workers = [], []
        named = [f"common.data={words.data}"] if words.data else []
        if words.data:
            Folder(words.data).check_name()
        # The folder of the link keys follows from the data folder, so this call goes without them.
        unkeyed = ["curve.insecure=true"] if words.curve else []
        first = programs.settings_of("broker", words.config, named + words.set + unkeyed)
        self.folder = Folder(ROOT / first["common"]["data"])
        self.data, self.run = self.folder.path, self.folder.run
        self.users = self.data / "redis-users" if words.redis_users else None
        self.keys = self.data / "keys" if words.curve else None

    # ---- what is started ----------------------------------------------------------------------------------

    def prepare(self):
        """All checks that are possible before the first process starts. errors  Refused"""
        programs.need_redis()
        self.folder.prepare()
        self.folder.take_lock(lambda: self.signals > 0)
        held = (self.folder.lock.fileno(),)
        self.answers = Api(self.run / "api.address")
        try:
            self.answers.forget_address()
            sets = {name: self.sets_of(name) for name in ("broker", "api")}
            by_worker = [self.sets_of("worker", n) for n in range(1, len(self.words.devices) + 1)]
            checked = {name: programs.settings_of(name, self.words.config, of) for name, of in sets.items()}
            for of in by_worker[:1]:
                programs.settings_of("worker", self.words.config, of)
            if self.keys:
                programs.key_settings(self.keys, "ctl", "api")
                self.folder.mend()  # public keys are readable by all, but not in this folder
            self.settings = checked["api"]
            self.redis_socket = pathlib.Path(ROOT / self.settings["redis"]["socket"]) if self.settings["redis"]["socket"] else None
            self.redis = Child("redis", self.redis_command(), self.folder.logs / "redis.log", keep=held)
        except OSError as why:
            raise Refused(f"{why.filename or self.data}: {why.strerror}: is the disk full, or the folder somebody else's?") from None
        self.broker = self.program("broker", "broker", sets["broker"], held)
        self.workers = [self.program("worker", f"worker-{n}", of, held) for n, of in enumerate(by_worker, 1)]
        self.api = self.program("api", "api", sets["api"], held, self.answers.environment())
        self.api.before = self.answers.forget_address
        self.children = [*([self.redis] if self.is_redis_ours() else []), self.broker, *self.workers, self.api]

    def is_redis_ours(self):
        """The settings may name a Redis on another machine, which is not started here."""
        where = self.settings["redis"]
        return bool(where["socket"]) or (where["port"] == self.words.redis_port and where["host"] in LOOPBACK)

    def redis_command(self):
        socket = self.redis_socket or self.run / "redis.sock"
        command = [str(ROOT / "config/redis"), str(ROOT / "config/redis.conf"), str(self.data / "redis"), "--unixsocket", str(socket)]
        if self.words.redis_port:
            command += ["--port", str(self.words.redis_port)]
        # As a file: all users can read a command line in `ps`.
        if self.users:
            command += ["--aclfile", str(redis_users.write_users(self.users, self.password()))]
        elif self.words.redis_port:
            command += ["--aclfile", str(redis_users.write_default_user(self.run / "redis.acl", self.password()))]
        return command

    def password(self):
        """The password file of Redis' default user, which vultusctl also reads. None: no password."""
        if not self.users and not self.words.redis_port:
            return None
        path = self.run / "redis.password"
        if not path.exists():
            redis_users.write_private(path, secrets.token_hex(24))
        return redis_users.read_private(path)

    def sets_of(self, name, number=None):
        """The settings on the command line of one program; the user's --set override those from other options."""
        sets = []
        if self.users:
            sets += [f"redis.user=vultus-{name}", f"redis.password_file={self.users}/vultus-{name}.password"]
            redis_users.write_users(self.users, self.password())
        elif self.words.redis_port:
            self.password()
            sets += [f"redis.password_file={self.run}/redis.password"]
        if self.keys:
            sets += programs.key_settings(self.keys, name if number is None else f"{name}-{number}", name)
        if name == "api" and self.words.port is not None:
            sets += [f"api.port={self.words.port}"]
        if name == "worker" and self.words.devices[number - 1] is not None:
            sets += [f"worker.device={self.words.devices[number - 1]}"]
        if name == "worker" and len(self.words.devices) > 1:
            cores = len(os.sched_getaffinity(0))
            sets += [f"worker.vision_threads={max(1, cores // len(self.words.devices))}"]
        return [*sets, *self.words.set, f"common.data={self.data}"]

    def program(self, name, title, sets, held, environment=None):
        command = [programs.path_of(f"vultus-{name}"), "--config", self.words.config, *programs.words_of(sets)]
        return Child(title, command, self.folder.logs / f"{title}.log", environment, held)

    # ---- start --------------------------------------------------------------------------------------------

    def refuse_if_ended(self):
        for child in self.children:
            code = child.ended()
            if code is not None:
                why = child.reason() or f"it says nothing; is the disk of {self.data} full?"
                if child.name == "redis" and "bind: " in why:
                    why += ": choose another --redis-port"
                raise Refused(f"{child.name} cannot start: {why} ({describe(code)}; log: {child.log})")

    def wait_for_redis(self):
        """Waits as long as Redis runs: a large file takes long to load, and a restart would begin again. False: a signal came."""
        reported = time.monotonic()
        while not self.signals:
            self.refuse_if_ended()
            if not self.is_redis_ours() or redis_state(self.redis_socket or self.run / "redis.sock", self.password()) == "ready":
                return True
            if time.monotonic() - reported > WORD_SECONDS:
                reported = time.monotonic()
                OUT.say(f"redis is still loading its file (log: {self.redis.log})")
            time.sleep(0.05)
        return False

    def wait_for_api(self):
        end = time.monotonic() + READY_SECONDS
        while not self.signals:
            self.refuse_if_ended()
            why = self.answers.why_not_ready([worker.pid() for worker in self.workers])
            if not why:
                return True
            if time.monotonic() > end:
                raise Refused(f"not ready within {READY_SECONDS} s: {why} (logs: {self.folder.logs})")
            time.sleep(0.05)
        return False

    def start(self):
        """True: ready. False: a stop was requested before. errors  Refused"""
        if self.is_redis_ours():
            self.redis.start_or_refuse()
        if not self.wait_for_redis():
            return False
        if self.words.setup_link:  # before the api, which refuses to start while nobody could log in
            self.broker.start_or_refuse()
            if not self.wait_for_store():
                return False
            self.show_setup_link()
        for child in self.children:
            if child.process is None:
                child.start_or_refuse()
        if not self.wait_for_api():
            return False
        url = self.answers.url()
        if self.settings["api"]["port"] == 0:  # it keeps the port when it is started again
            self.api.command += ["--set", f"api.port={urllib.parse.urlsplit(url).port}"]
        OUT.say(f"ready {url}")
        return True

    def ctl(self, *words):
        ctl = [programs.path_of("vultusctl"), "--data", self.data]
        if self.redis_socket and self.redis_socket != self.run / "redis.sock":
            ctl += ["--redis", f"unix:{self.redis_socket}"]
        return [*ctl, *words]

    def wait_for_store(self):
        """Until the broker has loaded the functions into Redis. False: a signal came."""
        end = time.monotonic() + READY_SECONDS
        while not self.signals:
            self.refuse_if_ended()
            asked = subprocess.run(self.ctl("key", "list"), capture_output=True, text=True)
            if asked.returncode == 0:
                return True
            if time.monotonic() > end:
                raise Refused(f"the store is not ready: {asked.stderr}")
            time.sleep(0.05)
        return False

    def show_setup_link(self):
        """Only on stdout: it is a secret for an hour, and the log is kept longer."""
        made = subprocess.run(self.ctl("user", "setup", "--url", self.words.setup_link), capture_output=True, text=True)
        if made.returncode == 0:
            OUT.write(1, f"make the admin's account, once, within an hour: {made.stdout.strip()}\n")
        elif "A user exists" not in made.stderr:
            raise Refused(f"no link for the first user: {made.stderr}")

    def once(self, words):
        """Runs vultusctl without workers and api, which need a key first if others can reach them."""
        self.children = [one for one in self.children if one in (self.redis, self.broker)]
        if self.is_redis_ours():
            self.redis.start_or_refuse()
        if not self.wait_for_redis():
            return 2
        self.broker.start_or_refuse()  # it loads the functions into a new Redis
        if not self.wait_for_store():
            raise Refused("stopped before the store was ready")
        return subprocess.call(self.ctl(*words))

    # ---- run and stop -------------------------------------------------------------------------------------

    def watch(self):
        while not self.signals:
            for child in self.children:
                code = child.ended()
                if code is not None:
                    why = f": {child.reason()}" if code > 0 and child.reason() else ""
                    OUT.say(f"{child.name} ended with {describe(code)}{why}; "
                            f"it is started again in {max(0.0, child.again_at - time.monotonic()):.1f} s")
                elif child.process is None and time.monotonic() >= child.again_at:
                    if child.start():
                        OUT.say(f"{child.name} started again (pid {child.process.pid})")
                    else:
                        OUT.say(f"{child.name} cannot be started: {child.failure}; it is tried again")
            time.sleep(0.1)

    def stop(self):
        for group in (["api"], [f"worker-{n}" for n in range(1, len(self.workers) + 1)], ["broker"], ["redis"]):
            seen = self.signals
            members = [child for child in self.children if child.name in group]
            for child in members:
                child.send()
            end = time.monotonic() + DRAIN_SECONDS
            for child in members:
                while child.pid() is not None:
                    if time.monotonic() > end or self.signals > max(seen, 1):
                        child.send(signal.SIGKILL)
                        child.process.wait()
                    time.sleep(0.02)

    def on_stop(self, _number, _frame):
        self.signals += 1

    def on_reload(self, _number, _frame):
        """SIGHUP: from `kill -HUP` for a renewed certificate, or from a closed terminal, which stops nothing."""
        for child in self.children:
            if child.name == "api":
                child.send(signal.SIGHUP)
