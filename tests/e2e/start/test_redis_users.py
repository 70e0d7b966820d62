"""./run --redis-users: each process has a Redis user of its own, which can do what it must and nothing else."""
import os
import pathlib
import re
import stat
import subprocess
import sys

import pytest
import redis
from conftest import PREFIX, ROOT, fsck, names, running

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
sys.path.insert(0, str(ROOT / "config"))
import redis_users  # noqa: E402

FORBIDDEN = ["FLUSHALL", "CONFIG SET appendfsync no", "SHUTDOWN NOSAVE", "KEYS *", "EVAL return 0", "MONITOR",
             "REPLICAOF localhost 1", "ACL LIST", "FUNCTION FLUSH", "MODULE LIST", "SAVE", "BGREWRITEAOF", "CLIENT LIST",
             "SWAPDB 0 0", "RENAME vultus:{0}:a elsewhere", "SET elsewhere 1", "GET elsewhere", "PUBLISH a b"]


@pytest.fixture(scope="module")
def guarded():
    with running(words=["--redis-users"], workers=2) as one:
        yield one


def admin(service):
    return service.redis(password=(service.data / "run/redis.password").read_text())


def as_user(service, user):
    return service.redis(username=user, password=(service.data / f"redis-users/{user}.password").read_text())


def test_the_list_is_what_the_functions_call():
    text = "".join(path.read_text() for path in (ROOT / "shared/store/functions").glob("*.lua"))
    called = {name.lower() for name in re.findall(r"(?:redis|server\(\))\.p?call\(\s*'([A-Z]+)'", text)}
    assert len(called) > 30 and called <= set(redis_users.FUNCTIONS), called - set(redis_users.FUNCTIONS)
    assert set(redis_users.FUNCTIONS) - called == {"lpush", "rpush", "zscan"}  # computed: which of them; zscan or hscan


def test_everything_works_and_nothing_was_refused(guarded, photos):
    store = admin(guarded)
    guarded.train("Barack", photos["small_obama"])
    guarded.train("Barack", photos["small_obama2"], collection="other")
    assert names(guarded.recognize(photos["small_obama2"])) == ["Barack"]
    job = guarded.submit("/api/rename", label="Barack", label_to="Obama")
    assert job["state"] == "succeeded", job
    assert "Obama" in guarded.call("GET", "/api/faces").text
    assert guarded.call("DELETE", "/api/faces", params={"label": "Obama"}).status_code in (200, 202)
    for path in ("/api/jobs", "/api/status", "/api/collections", "/metrics"):
        assert guarded.call("GET", path).status_code == 200, path
    for words in (["status"], ["audit"], ["fsck"], ["jobs"], ["key", "create", "--scopes", "read"]):
        done = subprocess.run([PROGRAMS / "vultusctl", "--data", guarded.data, *words], capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    guarded.clear()
    assert fsck(store) == []
    refused = [entry for entry in store.acl_log() if entry["username"].startswith("vultus-")]
    assert refused == [], refused
    users = {one["user"] for one in store.client_list()}
    assert users >= set(redis_users.USERS), users


@pytest.mark.parametrize("program", ["vultus-api", "vultus-broker", "vultus-worker"])
def test_no_process_gains_rights_by_running_something(guarded, program):
    pids = guarded.pids(program)
    assert pids
    for pid in pids:
        assert "NoNewPrivs:\t1" in pathlib.Path(f"/proc/{pid}/status").read_text()


@pytest.mark.parametrize("user", redis_users.USERS)
def test_a_process_that_was_taken_over_can_do_no_more(guarded, user):
    store = as_user(guarded, user)
    assert store.ping()
    for words in FORBIDDEN:
        with pytest.raises(redis.exceptions.NoPermissionError):
            store.execute_command(*words.split())
    code = "#!lua name=evil\nredis.register_function('evil', function() return 1 end)"
    if user == "vultus-broker":
        assert store.execute_command("FUNCTION", "LOAD", code) == b"evil"
        assert admin(guarded).execute_command("FUNCTION", "DELETE", "evil") == b"OK"
    else:
        with pytest.raises(redis.exceptions.NoPermissionError):
            store.execute_command("FUNCTION", "LOAD", code)
    admin(guarded).acl_log_reset()


def test_without_a_password_nobody_comes_in(guarded):
    with pytest.raises(redis.exceptions.AuthenticationError):
        guarded.redis().get(f"{PREFIX}schema")
    for name in ("redis-users", "run"):
        assert stat.S_IMODE((guarded.data / name).stat().st_mode) == 0o700
    for path in [*(guarded.data / "redis-users").iterdir(), guarded.data / "run/redis.password"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert "password" not in (guarded.data / "redis-users/users.acl").read_text()
