"""Logging in from end to end: users made by vultusctl, a session on two apis, waits after wrong passwords, and that no
password and no cookie is left anywhere.
"""
import json
import os
import pathlib
import pty
import subprocess
import time

import pytest
import requests
from conftest import PREFIX, ROOT, free_port, running, wait_until
from live_client import Live, Refused

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
PASSWORD = "correct horse battery"


def ctl(data, *words, said=None, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", data, *words], capture_output=True, text=True, input=said)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def add_user(data, name, role, *words):
    ctl(data, "user", "add", name, "--role", role, *words, said=PASSWORD + "\n")


@pytest.fixture(scope="module")
def keyed():
    # With a proxy that is trusted, each test can come from addresses of its own.
    with running(settings=["api.access=keys", 'api.trusted_proxies=["127.0.0.1"]']) as one:
        add_user(one.data, "ada", "admin")
        wait_until(lambda: login(one.url, "ada", host=250).status_code == 200, what="the secret")
        yield one


def login(url, name, password=PASSWORD, host=1, http=requests):
    return http.post(f"{url}/api/session", json={"name": name, "password": password}, timeout=30,
                     headers={"X-Forwarded-For": f"10.9.0.{host}"})


class Person:
    """Somebody with a cookie, and what goes with changes."""

    def __init__(self, url, name, host):
        self.url, self.http = url, requests.Session()
        told = login(url, name, host=host, http=self.http)
        assert told.status_code == 200, told.text
        self.told = told.json()
        self.cookie = self.http.cookies["vultus_session"]

    def call(self, method, path, url=None, **more):
        headers = {"X-CSRF-Token": self.told["csrf"], **more.pop("headers", {})}
        return self.http.request(method, (url or self.url) + path, headers=headers, timeout=60, **more)


def test_an_operator_teaches_and_recognizes_in_his_collections_only(keyed, photos):
    add_user(keyed.data, "olga", "operator", "--collections", "team,other")
    olga = Person(keyed.url, "olga", 2)
    assert olga.told["role"] == "operator" and olga.told["collections"] == ["other", "team"]

    def post(path, **form):
        return olga.call("POST", path, files=[("file", ("a.jpg", photos["small_obama"]))], data=form,
                         headers={"Prefer": "wait=30"})

    assert post("/api/train", name="Barack", collection="team").status_code in (200, 202)
    assert post("/api/recognize", collection="team").status_code in (200, 202)
    assert post("/api/recognize", collection="default").status_code == 403
    assert olga.call("POST", "/api/clear", data={"collection": "team"}).status_code == 403
    assert olga.call("GET", "/api/faces", params={"collection": "team"}).status_code == 200
    live = Live(keyed.port, "?collection=team", Cookie=f"vultus_session={olga.cookie}",
                Origin=f"http://127.0.0.1:{keyed.port}")
    assert live.receive()["type"] == "settings"
    with pytest.raises(Refused) as refusal:
        Live(keyed.port, "?collection=team", Cookie=f"vultus_session={olga.cookie}")
    assert refusal.value.status == 403
    ctl(keyed.data, "user", "remove", "olga")
    end, got = time.monotonic() + 60, None
    while time.monotonic() < end and (got is None or got["type"] != "closed"):
        live.frame(photos["small_obama"])
        got = live.receive(1)
    live.close()
    assert got == {"type": "closed", "code": 1008}, got
    entries = json.loads(ctl(keyed.data, "--json", "audit"))["audit"]
    assert any((one["who"], one["what"], one["from"]) == ("user:olga", "train", "127.0.0.1") for one in entries), entries
    assert any((one["who"], one["what"], one["from"]) == ("user:olga", "login", "10.9.0.2") for one in entries)
    assert {"user_add", "user_remove"} <= {one["what"] for one in entries}


def test_without_the_token_a_cookie_changes_nothing(keyed):
    ada = Person(keyed.url, "ada", 3)
    for token in (None, "", ada.told["csrf"][:-1], Person(keyed.url, "ada", 3).told["csrf"]):
        headers = {} if token is None else {"X-CSRF-Token": token}
        answer = ada.http.post(f"{keyed.url}/api/clear", headers=headers, timeout=30)
        assert answer.status_code == 403, (token, answer.text)
    assert ada.call("POST", "/api/clear").status_code in (200, 202)


def test_a_forged_a_cut_and_an_old_cookie_are_none(keyed):
    ada = Person(keyed.url, "ada", 4)

    def status(cookie):
        return requests.get(f"{keyed.url}/api/jobs", headers={"Cookie": f"vultus_session={cookie}"}, timeout=30).status_code

    good = ada.cookie
    assert status(good) == 200
    swapped = good[:30] + ("0" if good[30] != "0" else "1") + good[31:]
    for bad in (good[:-1], good[1:], "", swapped, good.upper(), f'"{good}"', good + good, f"{good}; vultus_session={good}"):
        assert status(bad) == 401, bad
    assert ada.call("DELETE", "/api/session").status_code == 204
    assert status(good) == 401
    assert requests.get(f"{keyed.url}/api/session", headers={"Cookie": f"vultus_session={good}"}, timeout=30).json()["user"] is None


def test_a_removed_user_is_refused_by_two_apis_within_a_second(keyed):
    add_user(keyed.data, "eve", "viewer")
    port = free_port()
    with open(keyed.data / "log/second.log", "wb") as log:
        second = subprocess.Popen([PROGRAMS / "vultus-api", "--set", f"common.data={keyed.data}", "--set", f"api.port={port}",
                                   "--set", "api.access=keys"], stdout=log, stderr=log, cwd=ROOT)
    other = f"http://127.0.0.1:{port}"
    try:
        def ready():
            try:
                return requests.get(f"{other}/healthz/ready", timeout=5).status_code == 200
            except requests.ConnectionError:
                return False
        wait_until(ready, what="the second api")
        eve = Person(keyed.url, "eve", 5)
        for url in (keyed.url, other):
            assert eve.call("GET", "/api/jobs", url).status_code == 200
        ctl(keyed.data, "user", "remove", "eve")
        removed, refused, served = time.monotonic(), set(), {}
        while len(refused) < 2 and time.monotonic() < removed + 60:
            for url in {keyed.url, other} - refused:
                sent = time.monotonic() - removed
                if eve.call("GET", "/api/jobs", url).status_code == 401:
                    refused.add(url)
                else:
                    served[url] = sent
        print("the last that was served was sent after", [f"{sent * 1000:.0f} ms" for sent in served.values()])
        assert len(refused) == 2 and max(served.values(), default=0) < 1, served
    finally:
        second.terminate()
        second.wait(60)


def test_wrong_passwords_make_wait_and_the_right_one_is_taken_then(keyed):
    add_user(keyed.data, "tom", "viewer")
    store, hosts = keyed.redis(), iter(range(10, 30))
    wrong_of = {name: f"{PREFIX}tries:name:{name}" for name in ("tom", "nobody")}
    refused = {}
    for name, tries in wrong_of.items():
        for n in range(3):
            refused[name] = login(keyed.url, name, "wrong horse battery", next(hosts))
            assert refused[name].status_code == 401 and store.hget(tries, "wrong") == str(n + 1).encode()
        store.hset(tries, "wrong", 6)  # the wait is 4 s then: longer than a comparison on a busy machine
        assert login(keyed.url, name, "wrong horse battery", next(hosts)).status_code == 401
        waits = login(keyed.url, name, host=next(hosts))
        assert waits.status_code == 429 and waits.json()["type"] == "/problems/quota", "the right one waits too"
        assert 1 <= int(waits.headers["Retry-After"]) <= 4
    assert refused["tom"].json()["detail"] == refused["nobody"].json()["detail"]
    wait_until(lambda: login(keyed.url, "tom", host=30).status_code == 200, what="the end of the wait")
    assert store.exists(wrong_of["tom"]) == 0
    store.hset(f"{PREFIX}tries:address:10.9.0.31", "wrong", 6)
    assert login(keyed.url, "u1", "wrong horse battery", 31).status_code == 401
    assert login(keyed.url, "ada", host=31).status_code == 429, "an address waits whatever name comes"


def test_another_password_ends_what_the_old_one_began(keyed):
    add_user(keyed.data, "pam", "viewer")
    pam = Person(keyed.url, "pam", 40)
    ctl(keyed.data, "user", "password", "pam", said="another horse battery\n")
    wait_until(lambda: pam.call("GET", "/api/jobs").status_code == 401, what="the end")
    assert login(keyed.url, "pam", host=41).status_code == 401
    assert login(keyed.url, "pam", "another horse battery", 41).status_code == 200


def typed(command, *lines):
    """Runs a command on a terminal of its own, types the lines, and returns what it showed and its exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], [str(word) for word in command])
    shown = b""
    for line in lines:
        while not shown.rstrip().endswith(b":"):
            shown += os.read(terminal, 1000)
        os.write(terminal, line.encode() + b"\n")
        shown += b"|"
    while True:
        try:
            more = os.read(terminal, 1000)
        except OSError:
            break
        if not more:
            break
        shown += more
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_terminal_asks_twice_and_shows_nothing(keyed):
    def add(name, *lines):
        return typed([PROGRAMS / "vultusctl", "--data", keyed.data, "user", "add", name, "--role", "viewer"], *lines)

    shown, code = add("kim", PASSWORD, PASSWORD)
    assert code == 0 and shown.count(": |") == 2 and PASSWORD not in shown, shown
    assert login(keyed.url, "kim", host=50).status_code == 200
    shown, code = add("lee", PASSWORD, PASSWORD + "x")
    assert code == 1 and "differ" in shown and PASSWORD not in shown
    assert "at least 10" in ctl(keyed.data, "user", "add", "lee", "--role", "viewer", said="short\n", code=1)
    assert "role" in ctl(keyed.data, "user", "add", "lee", "--role", "root", said=PASSWORD, code=1)
    assert "name" in ctl(keyed.data, "user", "add", "Lee", "--role", "viewer", said=PASSWORD, code=2)
    listed = ctl(keyed.data, "user", "list")
    assert "kim" in listed and "lee" not in listed and "argon2" not in listed


def test_nothing_keeps_a_password_or_a_cookie(keyed):
    ada = Person(keyed.url, "ada", 60)
    login(keyed.url, "wrong-name-horse", "wrong horse battery", 61)
    ada.call("GET", "/api/jobs")
    store = keyed.redis()
    stored = b""
    for key in store.scan_iter(count=1000):
        stored += key + b" " + (store.dump(key) or b"")
    files = b"".join(path.read_bytes() for path in (keyed.data / "redis").rglob("*") if path.is_file())
    said = (keyed.logs(100_000) + keyed.said()).encode()
    assert b"login_refused" in said and b"user:ada" in stored and b"argon2id" in stored + files
    for where in (stored, files, said):
        for secret in (PASSWORD, "wrong horse", ada.cookie[:64], ada.told["csrf"]):
            assert secret.encode() not in where
    assert b"wrong-name-horse" not in said, "it may be a password that was typed into the wrong field"


def test_a_user_is_enough_for_an_address_that_others_reach():
    with running() as one:
        command = [PROGRAMS / "vultus-api", "--set", f"common.data={one.data}", "--set", "api.bind=0.0.0.0", "--set"]
        done = subprocess.run([*command, f"api.port={free_port()}"], capture_output=True, text=True, timeout=30, cwd=ROOT)
        assert done.returncode == 2 and "no user yet" in done.stderr
        add_user(one.data, "ada", "admin")
        port = free_port()
        process = subprocess.Popen([*command, f"api.port={port}"], stderr=subprocess.DEVNULL, cwd=ROOT)
        try:
            def status():
                try:
                    return login(f"http://127.0.0.1:{port}", "ada").status_code
                except requests.ConnectionError:
                    return None
            wait_until(lambda: status() == 200, what="the api")
        finally:
            process.terminate()
            process.wait(60)
