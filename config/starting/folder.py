"""The data folder: checks that a service can use it, that only its user can read it, and that one service at a time uses it."""
import errno
import fcntl
import os
import pathlib
import pwd
import stat
import time

from .output import OUT, Refused

OURS = {"run", "redis", "log", "keys", "redis-users", "access.secret", "supervisor.log"}
PARTS = ("run", "redis", "log")
LONGEST_SOCKET = "broker-worker.sock"
UNIX_PATH_MAX = 107     # of sockaddr_un, with the 0 at its end
ROOM_BYTES = 16 << 20   # Redis does not start on a full disk, and cannot log why
NAMES = {"python3": "./run", "redis-check-rdb": "redis-server"}  # names of processes that users know
LEFT_BEHIND_SECONDS = 45  # a little more than the programs' drain_timeout and Redis' last write


def user_name(number):
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


class Folder:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.run, self.logs = self.path / "run", self.path / "log"
        self.lock = None

    def prepare(self):
        """Everything is there, with room, for this user alone.

        errors  Refused
        """
        self.check_name()
        try:
            made = not self.path.exists()
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check_owner()
            if made or set(os.listdir(self.path)) <= OURS:  # the mode of a folder with other files is not changed
                self.path.chmod(0o700)
            if stat.S_IMODE(self.path.stat().st_mode) & 0o022:
                raise Refused(f"others may write into {self.path}, and it holds other things too: give --data a folder of its own")
            for part in PARTS:
                (self.path / part).mkdir(mode=0o700, exist_ok=True)
            self.mend()
            self.check_room()
            OUT.log = self.logs / "supervisor.log"
        except OSError as why:
            where = why.filename or self.path
            raise Refused(f"{where}: {why.strerror}: {user_name(os.geteuid())} cannot keep data there; give --data a folder that this "
                          "user may write") from None

    def check_name(self):
        longest = os.fsencode(self.run / LONGEST_SOCKET)
        if len(longest) > UNIX_PATH_MAX:
            raise Refused(f"{self.path}: the path is too long for a unix socket by {len(longest) - UNIX_PATH_MAX} bytes; give a shorter "
                          "--data")
        if any(ord(c) < 32 for c in str(self.path)):
            raise Refused(f"{str(self.path)!r}: control characters in a path cannot be; give another --data")

    def check_owner(self):
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise Refused(f"{self.path} belongs to {user_name(owner)}, and you are {user_name(os.geteuid())}: start as its owner, or "
                          "give --data a folder of your own")

    def check_room(self):
        room = os.statvfs(self.path)
        left = room.f_bavail * room.f_frsize
        if left < ROOM_BYTES or (room.f_files and not room.f_favail):
            raise Refused(f"{self.path}: the disk is full ({left >> 20} MiB left, {ROOM_BYTES >> 20} are needed to start): make room, or "
                          "give --data a folder on another disk")

    def mend(self):
        """Removes the access of others to data of earlier versions."""
        for name in OURS:
            top = self.path / name
            for path in (top, *(pathlib.Path(folder, one) for folder, folders, files in os.walk(top) for one in folders + files)):
                try:
                    what = path.lstat()
                except FileNotFoundError:
                    continue
                if stat.S_ISLNK(what.st_mode) or what.st_uid != os.geteuid() or not what.st_mode & 0o077:
                    continue
                path.chmod(stat.S_IMODE(what.st_mode) & 0o700)

    # ---- the lock -----------------------------------------------------------------------------------------

    def take_lock(self, stopped):
        """Until this process and all that inherited the descriptor have ended. Waits for what a killed ./run has left behind.

        stopped  tells that waiting is no longer wanted
        errors   Refused
        """
        path = self.run / "lock"
        self.lock = open(path, "a+")
        end, reported = time.monotonic() + LEFT_BEHIND_SECONDS, False
        while not self.try_lock(path):
            holders = holders_of(path)
            self.lock.seek(0)
            first = self.lock.read().strip()
            for pid, name in holders:
                if str(pid) == first:
                    raise Refused(f"{self.path} is in use by another ./run (pid {pid}): stop it (kill {pid}), or give this one its own "
                                  "--data and --port; beside it, vultusctl --data does what --ctl does")
            names = ", ".join(f"{name} (pid {pid})" for pid, name in holders) or "another process"
            if stopped() or time.monotonic() > end:
                raise Refused(f"{self.path} is in use by {names}, which a killed ./run has left: end it (kill -9 "
                              f"{' '.join(str(pid) for pid, _ in holders)}), then start again")
            if not reported:
                OUT.say(f"{self.path} is in use by {names}, which a killed ./run has left: waiting until it ends")
                reported = True
            time.sleep(0.1)
        self.lock.truncate(0)
        self.lock.write(f"{os.getpid()}\n")
        self.lock.flush()

    def try_lock(self, path):
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as why:
            if why.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise Refused(f"{path}: {why.strerror}: give --data a folder whose file system can lock") from None
            return False


def holders_of(path):
    """[(pid, name)] of the other processes that have the file open."""
    found, wanted = [], os.stat(path)
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            for number in os.listdir(f"/proc/{entry}/fd"):
                if os.path.samestat(os.stat(f"/proc/{entry}/fd/{number}"), wanted):
                    name = pathlib.Path(f"/proc/{entry}/comm").read_text().strip()
                    found.append((int(entry), NAMES.get(name, name)))
                    break
        except OSError:
            continue
    return found
