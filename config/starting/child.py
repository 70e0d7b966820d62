"""One program of a service: starts it, and reports how it ended."""
import ctypes
import os
import re
import signal
import subprocess
import time

from .output import Refused
from .programs import plain_reason
from .words import ROOT

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
LINES_LOOKED_AT = 200


def describe(code):
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


class Child:
    def __init__(self, name, command, log, environment=None, keep=()):
        """`keep`: descriptors that the program inherits, so that a lock is held until it ends."""
        self.name, self.command, self.log, self.keep = name, command, log, keep
        self.environment = {**os.environ, **(environment or {})}
        self.process, self.started, self.back_off, self.again_at, self.log_start = None, 0.0, 0.2, 0.0, 0
        self.before = lambda: None  # called before each start

    def start(self):
        """False if it cannot be started; the next attempt is due after the back-off."""
        parent = os.getpid()

        def die_with_parent():
            """Runs in the child: SIGTERM when the supervisor is gone, even by kill -9."""
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
        try:
            self.before()
            with open(self.log, "ab") as log:
                self.log_start = log.tell()
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, pass_fds=self.keep,
                    env=self.environment, start_new_session=True, preexec_fn=die_with_parent)
        except (OSError, subprocess.SubprocessError) as why:
            self.failure = str(why)
            self.wait_longer()
            return False
        self.started = time.monotonic()
        return True

    def start_or_refuse(self):
        if not self.start():
            raise Refused(f"{self.name} cannot be started: {self.failure}")

    def ended(self):
        """The exit code, once, after it ended; None otherwise."""
        if self.process is None or self.process.poll() is None:
            return None
        code, self.process = self.process.returncode, None
        if time.monotonic() - self.started > 30:
            self.back_off = 0.2
        self.wait_longer()
        return code

    def wait_longer(self):
        self.again_at = time.monotonic() + self.back_off
        self.back_off = min(self.back_off * 2, 5.0)

    def pid(self):
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def send(self, number=signal.SIGTERM):
        if self.pid() is not None:
            self.process.send_signal(number)

    def reason(self):
        """Why it ended, from the log of the last start: its error line, or else its last line. Empty: it wrote nothing."""
        try:
            with open(self.log, errors="replace") as file:
                file.seek(self.log_start)
                lines = [line.strip() for line in file.readlines()[-LINES_LOOKED_AT:] if line.strip()]
        except OSError:
            return ""
        program = os.path.basename(self.command[0])
        own = [line for line in lines if line.startswith((f"{program}: ", f"config/{program}: "))]
        warned = [line for line in lines if " # " in line] if self.name == "redis" else []
        causes = [line for line in warned if re.search("Could not|Can't|bind: ", line)]
        chosen = (own or causes or warned or lines or [""])[-1]
        return plain_reason(program, chosen)
