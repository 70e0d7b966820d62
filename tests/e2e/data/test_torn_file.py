"""config/redis: whatever a kill left half written at the end of the append-only file is gone before Redis starts, and
what stands before it is not.
"""
import contextlib
import os
import pathlib
import subprocess
import tempfile

import pytest
import redis
from conftest import ROOT, wait_until

BEFORE = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$4\r\nkept\r\n$2\r\n41\r\n*2\r\n$4\r\nINCR\r\n$4\r\nkept\r\n"
LONG = b"*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$3000\r\n" + b"x" * 3_000 + b"\r\n"
LAST = (b"*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$4\r\nhalf\r\n*3\r\n$3\r\nSET\r\n$4\r\nmore\r\n$12\r\nabcdefghijkl\r\n"
        b"*1\r\n$4\r\nEXEC\r\n")


def written(folder, *contents):
    """Each in a file of its own: Redis begins another when it rewrites them."""
    files = pathlib.Path(folder, "appendonlydir")
    files.mkdir(exist_ok=True)
    names = [f"appendonly.aof.{i + 1}.incr.aof" for i in range(len(contents))]
    (files / "appendonly.aof.manifest").write_text("".join(f"file {name} seq {i + 1} type i\n" for i, name in enumerate(names)))
    for name, content in zip(names, contents):
        (files / name).write_bytes(content)


def start(folder):
    return subprocess.Popen([ROOT / "config/redis", ROOT / "config/redis.conf", folder, "--unixsocket",
                             f"{folder}/r.sock"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**os.environ, "PATH": f"{ROOT}/build/deps/bin:{os.environ['PATH']}"})


@contextlib.contextmanager
def running(folder):
    process, store = start(folder), redis.Redis(unix_socket_path=f"{folder}/r.sock")

    def answers():
        assert process.poll() is None, process.stdout.read()
        with contextlib.suppress(redis.RedisError):
            return store.ping()
    try:
        wait_until(answers, what="Redis")
        yield store
    finally:
        process.kill()
        process.wait()
        os.unlink(f"{folder}/r.sock")
        process.stdout.close()


# Cut inside and after each kind of line of a transaction; in one file, and in a second that begins with it.
@pytest.mark.parametrize("rewrites", [False, True])
@pytest.mark.parametrize("cut", [0, 1, 2, 4, 6, 8, 13, 15, 17, 19, 27, 36, 37, 40, 57, 62, 66, 75, 76, 80, len(LAST) - 1])
def test_half_a_transaction_never_happens(cut, rewrites):
    with tempfile.TemporaryDirectory(prefix="vultus-a-") as folder:
        written(folder, *([LONG + BEFORE, LAST[:cut]] if rewrites else [BEFORE + LAST[:cut]]))
        with running(folder) as store:
            assert (store.get("kept"), store.get("half")) == (b"42", None)
            store.pipeline(transaction=True).incr("kept").incr("kept").execute()
        with running(folder) as store:
            assert (store.get("kept"), store.get("half"), store.get("more")) == (b"44", None, None)


def test_what_is_whole_stays():
    with tempfile.TemporaryDirectory(prefix="vultus-a-") as folder:
        written(folder, BEFORE + LAST)
        with running(folder) as store:
            assert (store.get("kept"), store.get("half"), store.get("more")) == (b"42", b"1", b"abcdefghijkl")


@pytest.mark.parametrize("hole", [b"garbage", b"\0" * 40])
def test_a_hole_is_for_a_person(hole):
    with tempfile.TemporaryDirectory(prefix="vultus-a-") as folder:
        content = BEFORE + hole + LAST
        written(folder, content)
        process = start(folder)
        assert process.wait(20) != 0
        process.stdout.close()
        assert pathlib.Path(folder, "appendonlydir/appendonly.aof.1.incr.aof").read_bytes() == content
