"""People whom nobody sees are forgotten: set over HTTP or by vultusctl, seen by stored and unstored answers and live
pictures, and gone by a job like any other. Time passes here by what Redis holds of when somebody was seen.
"""
import json
import os
import pathlib
import subprocess

from conftest import PREFIX, ROOT, names, wait_until
from live_client import Live

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
LONG_AGO = 1_000


def ctl(service, *words, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, "--json", *words], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def seen_key(store, collection="default"):
    epoch = int(store.hget(f"{PREFIX}gallery:{collection}", "epoch"))
    return f"{PREFIX}gallery:{collection}:{epoch}:seen"


def age(store, *labels):
    """Everybody is marked; these were seen long ago."""
    wait_until(lambda: not store.hexists(f"{PREFIX}gallery:default", "retention_cursor"), what="everybody is marked")
    for label in labels:
        assert store.zscore(seen_key(store), label) is not None
        store.zadd(seen_key(store), {label: LONG_AGO}, xx=True)


def look_now(store):
    store.zadd(f"{PREFIX}retention", {"default": 0}, xx=True)


def test_it_is_set_asked_and_ended(shared_service, photos):
    one, path = shared_service, "/api/collections/default/retention"
    assert one.call("GET", path).status_code == 404
    one.train("Barack", photos["small_obama"])
    assert one.call("GET", path).json() == {"collection": "default", "days": None}
    for wrong in ("0", "x", "36501", "1.5", ""):
        assert one.call("POST", path, data={"days": wrong}).status_code == 400, wrong
    assert one.call("POST", path).status_code == 400
    told = one.call("POST", path, data={"days": 30}).json()
    assert told["days"] == 30 and told["since"].endswith("Z")
    assert ctl(one, "retention", "default")["days"] == 30
    assert ctl(one, "retention", "default", "--days", "31")["days"] == 31
    assert one.call("GET", path).json()["since"] == told["since"]
    assert one.call("DELETE", path).json() == {"collection": "default", "days": None}
    assert ctl(one, "retention", "default", "--off")["days"] is None
    assert "not_found" in ctl(one, "retention", "nowhere", "--days", "3", code=1)
    whats = [entry["about"] for entry in ctl(one, "audit")["audit"] if entry["what"] == "retention"]
    assert whats == ["0 ms", f"{31 * 86_400_000} ms", f"{30 * 86_400_000} ms"]
    one.clear()


def test_who_is_not_seen_goes_and_who_is_seen_stays(shared_service, photos):
    one, store = shared_service, shared_service.redis()
    one.train("Barack", photos["small_obama"])
    one.train("Joe", photos["small_biden"])
    one.call("POST", "/api/collections/default/retention", data={"days": 1})
    age(store, "Barack", "Joe")

    # An answer that is not stored is noted once an hour, a stored one with its job.
    answer = one.call("POST", "/api/recognize", params={"durable": "false"}, files={"file": photos["small_obama2"]})
    assert names(answer.json()) == ["Barack"]
    wait_until(lambda: store.zscore(seen_key(store), "Barack") > LONG_AGO, what="Barack was seen")
    assert store.zscore(seen_key(store), "Joe") == LONG_AGO
    assert names(one.recognize(photos["small_biden"])) == ["Joe"]
    assert store.zscore(seen_key(store), "Joe") > LONG_AGO

    age(store, "Joe")
    look_now(store)
    wait_until(lambda: "Joe" not in one.call("GET", "/api/faces").text, what="Joe is forgotten")
    [job] = [job for job in one.call("GET", "/api/jobs", params={"type": "forget"}).json()["jobs"] if job.get("label") == "Joe"]
    job = one.finish(job)
    assert job["state"] == "succeeded" and job["result"]["removed"]["faces"] == 1
    assert job["result"]["confirmed_by"], "its worker was told"
    assert names(one.recognize(photos["small_biden"])) == ["unknown"]
    assert names(one.recognize(photos["small_obama2"])) == ["Barack"]
    entries = ctl(one, "audit", "--label", "Joe")["audit"]
    assert [(entry["what"], entry["who"]) for entry in entries if entry["what"] == "forget"] == [("forget", "retention")]
    assert one.fsck() == []
    one.clear()


def test_live_pictures_count(shared_service, photos):
    one, store = shared_service, shared_service.redis()
    one.train("Live", photos["small_obama"], collection="default")
    one.call("POST", "/api/collections/default/retention", data={"days": 1})
    age(store, "Live")

    live = Live(one.port)
    assert live.receive()["type"] == "settings"
    wait_until(lambda: "Live" in str(live.ask(photos["small_obama2"])), what="a live name")
    live.close()
    wait_until(lambda: store.zscore(seen_key(store), "Live") > LONG_AGO, what="Live was seen")
    one.clear()
