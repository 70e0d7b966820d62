"""Keys from end to end: made by vultusctl, sent as people send them, revoked, used up; and no start on an address that
others reach while there is no key.
"""
import json
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import threading
import time

import pytest
import requests
from conftest import ROOT, Service, free_port, running, wait_until
from live_client import Live, Refused

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
KEY = re.compile(r"vultus_([0-9a-f]{12})_[0-9a-f]{48}[0-9a-f]{8}")


def ctl(data, *words, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", data, "key", *words], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def make(data, *words):
    """A new key: its text and its id."""
    text = ctl(data, "create", *words).splitlines()[0]
    return text, KEY.fullmatch(text).group(1)


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def keyed():
    with running(settings=["api.access=keys"]) as one:
        yield one


def known(service, key):
    wait_until(lambda: service.call("GET", "/api/status", headers=bearer(key)).status_code != 401, what="the key")
    return key


def test_two_keys_with_collections_and_scopes_of_their_own(keyed, photos):
    data = keyed.data
    feeder, _ = make(data, "--scopes", "recognise,train", "--collections", "team")
    reader, _ = make(data, "--scopes", "read", "--collections", "team,other")
    stranger, _ = make(data, "--scopes", "read,recognise,train,admin", "--collections", "other")
    known(keyed, stranger)
    assert stat.S_IMODE(os.stat(data / "access.secret").st_mode) == 0o600

    def post(path, key, **form):
        return keyed.call("POST", path, files=[("file", ("a.jpg", photos["small_obama"]))], data=form,
                          headers={**bearer(key), "Prefer": "wait=30"})

    assert keyed.call("GET", "/api/faces").status_code == 401
    taught = post("/api/train", feeder, name="Barack", collection="team")
    assert taught.status_code in (200, 202), taught.text
    job = taught.json()["id"]
    wait_until(lambda: keyed.call("GET", f"/api/jobs/{job}", headers=bearer(reader)).json()["state"]
               not in ("pending", "running", "publishing"), what="the job's end")
    assert post("/api/train", feeder, name="Barack", collection="other").status_code == 403
    assert post("/api/train", reader, name="Barack", collection="team").status_code == 403
    assert post("/api/recognize", feeder, collection="team").status_code in (200, 202)
    assert keyed.call("GET", "/api/faces", params={"collection": "team"}, headers=bearer(reader)).status_code == 200
    assert keyed.call("GET", "/api/faces", params={"collection": "team"}, headers=bearer(feeder)).status_code == 403
    assert keyed.call("POST", "/api/clear", data={"collection": "team"}, headers=bearer(feeder)).status_code == 403
    assert keyed.call("POST", "/api/clear", data={"collection": "team"}, headers=bearer(stranger)).status_code == 403
    assert keyed.call("GET", f"/api/jobs/{job}", headers=bearer(stranger)).status_code == 404
    assert job not in keyed.call("GET", "/api/jobs", headers=bearer(stranger)).text
    assert job in keyed.call("GET", "/api/jobs", headers=bearer(reader)).text
    log = subprocess.run([PROGRAMS / "vultusctl", "--data", data, "--json", "audit"], capture_output=True, text=True)
    entries = {(one["what"], one["who"], one["from"], one["collection"]) for one in json.loads(log.stdout)["audit"]}
    assert ("train", KEY.fullmatch(feeder).group(1), "127.0.0.1", "team") in entries, entries
    assert sum(what == "key_create" for what, *_ in entries) >= 1 and "Barack" not in log.stdout


def test_a_revoked_key_is_refused_within_a_second_while_it_is_used(keyed):
    key, name = make(keyed.data, "--scopes", "read")
    known(keyed, key)
    served, stop = [], threading.Event()

    def use():
        """Notes when the last request that was served was sent; how long an answer takes is the machine's affair."""
        with requests.Session() as http:
            sent = time.monotonic()
            while not stop.is_set():
                last, sent = sent, time.monotonic()
                if http.get(f"{keyed.url}/api/jobs", headers=bearer(key), timeout=60).status_code == 401:
                    served.append(last)
                    return
    users = [threading.Thread(target=use) for _ in range(4)]
    for one in users:
        one.start()
    ctl(keyed.data, "revoke", name)
    revoked = time.monotonic()
    for one in users:
        one.join(60)
    stop.set()
    assert len(served) == 4
    took = max(served) - revoked
    print(f"the last that was served was sent {took * 1000:.0f} ms after")
    assert took < 1, took


def test_rotate_leaves_both_good_for_the_overlap(keyed):
    old, name = make(keyed.data, "--scopes", "read")
    fresh = ctl(keyed.data, "rotate", name, "--overlap", "2s").splitlines()[0]
    known(keyed, fresh)
    for key in (old, fresh):
        assert keyed.call("GET", "/api/jobs", headers=bearer(key)).status_code == 200
    wait_until(lambda: keyed.call("GET", "/api/jobs", headers=bearer(old)).status_code == 401, what="the old key's end")
    assert keyed.call("GET", "/api/jobs", headers=bearer(fresh)).status_code == 200


def test_a_quota_is_used_up_and_fills_again(keyed):
    key, _ = make(keyed.data, "--scopes", "read", "--quota", "60/min")
    known(keyed, key)
    answers = [keyed.call("GET", "/api/jobs", headers=bearer(key)) for _ in range(70)]
    over = [one for one in answers if one.status_code == 429]
    assert 5 <= len(over) <= 15, [one.status_code for one in answers]
    assert over[0].json()["type"] == "/problems/quota"
    assert over[0].headers["Retry-After"] == "1" and over[0].headers["RateLimit"].startswith('"requests";r=0;')
    wait_until(lambda: keyed.call("GET", "/api/jobs", headers=bearer(key)).status_code == 200, what="a filled bucket")


def test_no_log_and_no_listing_holds_a_key(keyed):
    key, name = make(keyed.data, "--scopes", "read")
    known(keyed, key)
    keyed.call("GET", "/api/jobs", headers=bearer(key[:-1] + "x"))
    said = keyed.logs(100_000) + keyed.said() + ctl(keyed.data, "list")
    assert name in said and key[20:44] not in said
    assert not KEY.search(said)


def start(data, *settings):
    command = [PROGRAMS / "vultus-api", "--set", f"common.data={data}", "--set", f"api.port={free_port()}"]
    for setting in settings:
        command += ["--set", setting]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def refused(process):
    _, said = process.communicate(timeout=30)
    own = [line for line in said.splitlines() if line.startswith("vultus-api: ")]
    assert process.returncode == 2 and len(own) == 1, said
    return own[0]


def test_others_reach_no_api_without_a_key():
    with running() as one:
        assert "key create --scopes" in refused(start(one.data, "api.bind=0.0.0.0"))
        assert "insecure" in refused(start(one.data, "api.bind=0.0.0.0", "api.access=open"))
        _, name = make(one.data, "--scopes", "read")
        ctl(one.data, "revoke", name)
        # The file of the secret is there now, so only Redis can tell that there is no key.
        assert "key create --scopes" in refused(start(one.data, "api.bind=0.0.0.0"))
        key, _ = make(one.data, "--scopes", "read")
        port = free_port()
        process = start(one.data, "api.bind=0.0.0.0", f"api.port={port}")
        try:
            def status(**more):
                try:
                    return requests.get(f"http://127.0.0.1:{port}/api/jobs", timeout=5, **more).status_code
                except requests.ConnectionError:
                    return None
            wait_until(lambda: status(headers=bearer(key)) == 200, what="the api")
            assert status() == 401
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_the_first_key_is_made_before_the_first_start():
    with tempfile.TemporaryDirectory(prefix="vultus-") as data:
        command = [sys.executable, ROOT / "config/supervisor.py", "--data", data, "--ctl", "key", "create", "--scopes"]
        made = subprocess.run([*command, "read"], capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stdout + made.stderr
        assert subprocess.run([*command, "nonsense"], capture_output=True, timeout=60).returncode == 1
        key = KEY.search(made.stdout).group()
        one = Service(data, settings=["api.bind=0.0.0.0"])
        try:
            one.wait_ready()
            assert one.call("GET", "/api/jobs", headers=bearer(key)).status_code == 200
            assert one.call("GET", "/api/jobs").status_code == 401
        finally:
            one.stop()


def test_a_live_session_is_of_its_collection_and_ends_with_its_key(keyed, photos):
    key, name = make(keyed.data, "--scopes", "recognise", "--collections", "team")
    known(keyed, key)
    for query, fields, status in (("?collection=team", {}, 401), ("?collection=other", bearer(key), 403),
                                  ("", bearer(key), 403)):
        with pytest.raises(Refused) as refusal:
            Live(keyed.port, query, **fields)
        assert refusal.value.status == status, query
    live = Live(keyed.port, "?collection=team", **bearer(key))
    assert live.receive()["type"] == "settings"
    ctl(keyed.data, "revoke", name)
    end, got = time.monotonic() + 60, None
    while time.monotonic() < end and (got is None or got["type"] != "closed"):
        live.frame(photos["small_obama"])
        got = live.receive(1)
    live.close()  # or the api waits for it when it is stopped
    assert got == {"type": "closed", "code": 1008}, got
