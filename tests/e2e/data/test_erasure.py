"""A person who asks to be erased: the deletion says what went, `vultusctl erasure` finds what is left and removes it, and
the test looks for itself, at every key in Redis and in its files, for the name, the vector and the photo.
"""
import json
import os
import pathlib
import subprocess

import pytest
from conftest import PREFIX, ROOT, names, running, wait_until
from store_contents import contents

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
NAME = "Zebulon Quux"


@pytest.fixture
def with_pictures():
    with running(settings=["worker.keep_pictures=true"]) as one:
        yield one


def erasure(service, *words, code):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, "--json", "erasure", NAME, *words],
                          capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def everything(store):
    """All that Redis holds, as bytes by key."""
    found = {key.decode(): b"\0".join(values) for key, values in contents(store).items()}
    found["SLOWLOG"] = str(store.slowlog_get(1000)).encode()
    return found


def holding(store, what):
    return sorted(key for key, value in everything(store).items() if what in value or what.decode("latin1") in key)


def file_has(service, what):
    return [path.name for path in (service.data / "redis").rglob("*") if path.is_file() and what in path.read_bytes()]


def test_nothing_is_left_of_a_person_who_asks_for_it(with_pictures, photos):
    service, store = with_pictures, with_pictures.redis()
    photo = photos["small_obama"]
    service.train(NAME, photo)
    service.train("Joe", photos["small_biden"])
    wait_until(lambda: names(service.recognize(photos["small_obama2"], annotate="true")) == [NAME], what="the name")
    service.submit("/api/rename", label="Joe", label_to="Joe B")
    [(face, vector)] = [(key, value) for key, value in store.hgetall(f"{PREFIX}gallery:default:1:vectors").items()
                        if NAME.encode() in store.hget(f"{PREFIX}gallery:default:1:faces", key)]
    picture = store.hget(f"{PREFIX}gallery:default:1:pictures", face)
    assert len(vector) == 512 and picture[:2] == b"\xff\xd8"

    before = erasure(service, code=1)
    keys = {one["key"].split(":")[-1] for one in before["traces"]}
    assert {"labels", "by_label", "faces", "log"} <= keys and not before["clean"], before["traces"]

    job = service.finish(service.call("DELETE", "/api/faces/Zebulon%20Quux", headers={"Prefer": "wait=30"}).json())
    assert job["result"]["removed"] == {"faces": 1, "vectors": 1, "pictures": 1}, job
    workers = [worker["worker_id"] for worker in service.call("GET", "/api/status").json()["workers"]]
    assert [one["worker_id"] for one in job["result"]["confirmed_by"]] == workers
    assert all(one["version"] >= job["result"]["version"] for one in job["result"]["confirmed_by"])
    assert holding(store, vector) == [] and holding(store, picture) == [], "removed with the face"

    left = erasure(service, code=1)
    kinds = {one["key"].split(":")[0] + (":log" if one["key"].endswith(":log") else "") for one in left["traces"]}
    assert kinds == {"job", "gallery:log"}, left["traces"]
    purged = erasure(service, "--purge", code=0)
    assert purged["clean"] and purged["traces"] == [] and purged["fsck"] == []
    # train, recognise (as often as it took), forget
    assert purged["purged"]["jobs"] >= 3 and purged["purged"]["logs"] == 1
    assert all(one["version"] >= one["removed_version"] for one in purged["workers"]) and purged["workers"]
    for what in (NAME.encode(), vector, picture, photo[-400:]):
        assert holding(store, what) == [], what[:20]
    assert names(service.recognize(photos["small_biden"])) == ["Joe B"], "nobody else went"
    assert service.fsck() == []

    assert not purged["file"]["clean"]
    assert file_has(service, NAME.encode()) and file_has(service, vector), "the file keeps it so long"
    rewritten = erasure(service, "--rewrite", code=0)
    assert rewritten["file"]["clean"]
    for what in (NAME.encode(), vector, picture, photo[-400:]):
        wait_until(lambda what=what: file_has(service, what) == [], what="the old file's end")
    assert erasure(service, code=0)["file"]["clean"], "as long as nothing else is removed"
    for path in (service.data / "log").glob("*"):
        assert NAME.encode() not in path.read_bytes(), path
    audit = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, "--json", "audit", "--label", NAME],
                           capture_output=True, text=True)
    whats = {one["what"] for one in json.loads(audit.stdout)["audit"]}
    assert {"train", "forget", "delete", "erase_log"} <= whats, whats


def test_what_is_not_over_is_told_and_left(shared_service, photos):
    """A train that waits is not deleted; a name is not found in a longer one, nor in another collection."""
    service, store = shared_service, shared_service.redis()
    service.train(NAME + " jr", photos["small_biden"])
    assert erasure(service, code=0)["clean"]
    service.train(NAME, photos["small_biden"], collection="other")
    assert erasure(service, "--collection", "default", code=0)["clean"]
    told = erasure(service, "--purge", code=1)
    assert "gallery:other:2:faces" in {one["key"] for one in told["traces"]}, "a face is for DELETE to remove"
    service.clear(collection="other")
    store.hset(f"{PREFIX}gallery:default:1:vectors", "nobody-0", b"x" * 512)
    told = erasure(service, code=1)
    assert told["traces"] == [] and any("vectors" in one for one in told["fsck"]), told
    store.hdel(f"{PREFIX}gallery:default:1:vectors", "nobody-0")
    store.hset(f"{PREFIX}worker:gone", "gallery:default", 1)
    store.zadd(f"{PREFIX}workers", {"gone": 1 << 42})
    version = int(store.hget(f"{PREFIX}gallery:default", "removed_version"))
    told = erasure(service, code=1)
    assert {"worker_id": "gone", "collection": "default", "version": 1, "removed_version": version} in told["workers"]
    store.delete(f"{PREFIX}worker:gone")
    store.zrem(f"{PREFIX}workers", "gone")
    assert erasure(service, code=0)["clean"]
    service.clear()
