"""A Redis that would lose jobs, is too old, or holds another layout: each program says so in one line and ends with
exit code 2, before it serves anybody.
"""
import os
import pathlib
import socketserver
import subprocess
import tempfile
import threading

import pytest
import redis
from conftest import PREFIX, ROOT, free_port, wait_until

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
NAMES = ["vultus-api", "vultus-broker", "vultus-worker"]
UNSAFE = {"appendonly no": 'appendonly is "no", must be "yes"',
          "appendfsync everysec": 'appendfsync is "everysec", must be "always"',
          "no-appendfsync-on-rewrite yes": 'no-appendfsync-on-rewrite is "yes", must be "no"',
          "maxmemory-policy allkeys-lru": 'maxmemory-policy is "allkeys-lru", must be "noeviction"',
          "maxmemory 0": 'maxmemory is "0", must be set'}


def start(name, socket, data):
    """Its exit code and what it said."""
    command = [PROGRAMS / name, "--set", f"common.data={data}", "--set", f"redis.socket={socket}"]
    if name == "vultus-api":
        command += ["--set", f"api.port={free_port()}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    return ended.returncode, ended.stderr


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="vultus-s-") as path:
        os.mkdir(f"{path}/run")
        os.mkdir(f"{path}/redis")
        yield path


@pytest.fixture
def store(folder):
    """config/redis.conf, in a folder of its own."""
    socket = f"{folder}/run/redis.sock"
    process = subprocess.Popen(["redis-server", ROOT / "config/redis.conf", "--dir", f"{folder}/redis",
                                "--unixsocket", socket], stdout=subprocess.DEVNULL)
    connection = redis.Redis(unix_socket_path=socket)

    def answers():
        try:
            return connection.ping()
        except redis.RedisError:
            return False
    try:
        wait_until(answers, what="Redis")
        yield connection
    finally:
        process.kill()
        process.wait()


def refused(name, folder, line, socket=None):
    code, said = start(name, socket or f"{folder}/run/redis.sock", folder)
    assert code == 2, said
    own = [text for text in said.splitlines() if text.startswith(f"{name}: ")]
    assert len(own) == 1 and line in own[0], said


@pytest.mark.parametrize("name", NAMES)
def test_settings_that_lose_jobs(store, folder, name):
    for setting, line in UNSAFE.items():
        key, value = setting.split()
        before = store.config_get(key)[key]
        store.config_set(key, value)
        refused(name, folder, line)
        store.config_set(key, before)


@pytest.mark.parametrize("name", NAMES)
def test_data_of_another_major_version(store, folder, name):
    store.set(f"{PREFIX}schema", "2 1")
    refused(name, folder, "2 1")
    assert store.get(f"{PREFIX}schema") == b"2 1"


class OldRedis(socketserver.StreamRequestHandler):
    """Says that it is version 6.2 and knows nothing newer."""

    def handle(self):
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2].decode())
            if words[0].upper() == "PING":
                self.wfile.write(b"+PONG\r\n")
            elif words[0].upper() == "INFO":
                text = b"# Server\r\nredis_version:6.2.14\r\n"
                self.wfile.write(b"$%d\r\n%s\r\n" % (len(text), text))
            else:
                self.wfile.write(b"-ERR unknown command\r\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_redis_that_is_too_old(folder, name):
    socket = f"{folder}/run/old.sock"
    with socketserver.ThreadingUnixStreamServer(socket, OldRedis) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        refused(name, folder, "Redis 7.0 or newer is required, not 6", socket)
        server.shutdown()
