"""A Redis as config/redis.conf wants it, that is killed and started again at will, and the files it keeps."""
import pathlib
import signal
import subprocess
import time

import redis
import world as worlds
from redis.backoff import NoBackoff
from redis.retry import Retry


class Store:
    def __init__(self, process, folder, socket):
        self.process, self.folder, self.socket = process, pathlib.Path(folder), socket
        conf = worlds.ROOT / "config"
        process.command = [str(conf / "redis"), str(conf / "redis.conf"), str(folder), "--unixsocket", str(socket)]

    def connection(self, timeout=5):
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=timeout, retry=Retry(NoBackoff(), 0))

    def start(self):
        """Returns how long it took until it answered."""
        begin = time.monotonic()
        self.process.start()

        def answers():
            assert self.process.alive(), "Redis does not start: " + self.process.log.read_text()[-2000:]
            try:
                return self.connection().ping()
            except redis.RedisError:  # not there yet, or loading
                return False
        worlds.wait_until(answers, 60, "Redis")
        return time.monotonic() - begin

    def kill(self):
        self.process.send(signal.SIGKILL)
        self.process.process.wait()

    def last_file(self):
        """The append-only file that is written now."""
        manifest = (self.folder / "appendonlydir/appendonly.aof.manifest").read_text().splitlines()
        name = [line.split()[1] for line in manifest if line.endswith("type i")][-1]
        return self.folder / "appendonlydir" / name

    def tear(self, bytes_):
        """Not a file that the kill itself has torn: what comes after a missing end makes a hole of it, which no kill does."""
        whole = subprocess.run(["redis-check-aof", self.folder / "appendonlydir/appendonly.aof.manifest"],
                               capture_output=True).returncode == 0
        if whole:
            with open(self.last_file(), "ab") as file:
                file.write(bytes_)

    def kept_bytes(self):
        return sum(path.stat().st_size for path in (self.folder / "appendonlydir").iterdir())


HALF_A_COMMAND = b"*3\r\n$3\r\nSET\r\n$9\r\nvultus:{0"
HALF_A_TRANSACTION = b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$12\r\nvultus:{0}:x\r\n$1\r\n1\r\n"
