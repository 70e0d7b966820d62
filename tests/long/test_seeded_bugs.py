"""Each seeded bug of the nemesis still fits the code it is seeded into. A bug that no longer fits proves nothing about
the checker, and only `./test nemesis --prove`, which takes minutes, would notice. Here: each text stands in the library
exactly once, the changed library is one that Redis loads, and each bug of a program is compiled into it.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import pytest
import redis

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / f"tests/{folder}") for folder in ("nemesis", "e2e")]
import bugs  # noqa: E402
from conftest import wait_until  # noqa: E402

PROGRAMS = ROOT / "build/e2e/bin"
SOURCES = [path for folder in ("api", "broker", "workers", "shared")
           for path in sorted((ROOT / folder).rglob("*.[ch]pp"))]
OF_TEXT = [name for name, bug in bugs.BUGS.items() if bug.text]
OF_PROGRAM = [name for name, bug in bugs.BUGS.items() if bug.program]


def library():
    """The library as the build joins it: all parts, in the order of their names."""
    return "".join(path.read_text() for path in sorted((ROOT / "shared/store/functions").glob("*.lua")))


@pytest.fixture(scope="module")
def store():
    with tempfile.TemporaryDirectory(prefix="vultus-bugs-") as folder:
        socket = f"{folder}/redis.sock"
        server = subprocess.Popen([ROOT / "build/deps/bin/redis-server", "--port", "0", "--unixsocket", socket, "--save", ""],
                                  stdout=subprocess.DEVNULL)
        connection = redis.Redis(unix_socket_path=socket)
        try:
            wait_until(lambda: pathlib.Path(socket).exists() and connection.ping(), what="Redis")
            yield connection
        finally:
            connection.close()
            server.terminate()
            server.wait()


def test_there_are_bugs_of_both_kinds():
    assert len(OF_TEXT) >= 9 and len(OF_PROGRAM) >= 2
    for name, bug in bugs.BUGS.items():
        assert bug.text or bug.program, f"{name} changes nothing"


@pytest.mark.parametrize("name", OF_TEXT)
def test_text_is_there_once_and_the_changed_library_loads(store, name):
    changed = bugs.changed(library(), name)
    assert changed != library()
    store.function_load(changed, replace=True)


@pytest.mark.parametrize("name", OF_PROGRAM)
def test_program_has_the_bug_where_one_line_asks_for_it(name):
    asked = re.compile(r'seeded_bug\("%s"\)' % re.escape(bugs.BUGS[name].program))
    found = [path for path in SOURCES for _ in asked.findall(path.read_text())]
    assert found, f"no source asks seeded_bug for {name}"
    compiled = [path.name for path in PROGRAMS.glob("vultus-*")
                if path.is_file() and bugs.BUGS[name].program.encode() in path.read_bytes()]
    assert compiled, f"no program of {PROGRAMS} was built with {name}"


def test_each_bug_that_a_source_asks_for_is_in_the_list():
    known = {bug.program for bug in bugs.BUGS.values()}
    asked = {name for path in SOURCES for name in re.findall(r'seeded_bug\("([^"]+)"\)', path.read_text())}
    assert asked <= known, f"nobody proves {asked - known}"
