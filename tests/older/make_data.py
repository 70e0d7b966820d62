#!/usr/bin/env python3
"""Makes tests/e2e/data/older-data.tar.gz, which is in the repository: what a service of an older version leaves behind that ends by SIGKILL, with Redis' append-only file,
access.secret, and facts.json: what a user of it knows. tests/e2e/data/test_older_data.py starts today's service on it.

    build/venv/bin/python tests/older/make_data.py
"""
import json
import pathlib
import signal
import tarfile
import tempfile
import time

from PIL import Image
from versions import OLDER, PREFIX, ROOT, build_older, processes, wait_until

from conftest import TERMINAL, jpeg, names

OUT = ROOT / "tests/e2e/data/older-data.tar.gz"
PASSWORD = "a password of long ago"
DECOMPOSED = "Zoe\u0308"  # today's service composes it
WAITING = (("wait-1", "hog", "obama2"), ("wait-2", "cnn", "biden"))  # idempotency key, detector, photo


def photos():
    """Small ones, with a face of 80 pixels or more."""
    found = {"blank": jpeg(Image.new("RGB", (160, 120), (90, 110, 120)))}
    for name in ("obama", "obama2", "biden"):
        picture = Image.open(ROOT / f"build/photos/{name}.jpg").convert("RGB")
        found[name] = jpeg(picture.crop((0, 0, picture.width, picture.width)).resize((320, 320)), quality=85)
    return found


def post(one, path, photo=None, key=None, **form):
    headers = {"Idempotency-Key": key} if key else {}
    answer = one.call("POST", path, files={"file": ("photo.jpg", photo)} if photo else None, data=form, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


def fill(one, pictures, facts):
    """What has ended."""
    for collection, name, photo in (("default", "Barack Obama", "obama"), ("default", "Joe Biden", "biden"),
                                    ("team", DECOMPOSED, "biden")):
        job = one.train(name, pictures[photo], collection=collection)
        assert job["result"]["version"], job
        facts["jobs"].setdefault("trains", []).append(job["id"])
    job = one.submit("/api/recognize", [pictures["obama2"]], annotate="true")
    assert names(job["result"]) == ["Barack Obama"], job
    facts["jobs"]["succeeded"] = job["id"]
    facts["result"] = job["result"]
    job = one.submit("/api/train", [pictures["blank"]], name="Nobody")
    assert job["state"] == "failed", job
    facts["jobs"]["failed"], facts["error"] = job["id"], job["error"]["code"]
    one.train("Gone", pictures["obama"], collection="team")
    answer = one.call("DELETE", "/api/faces/Gone", params={"collection": "team"})
    assert one.finish(answer.json())["state"] == "succeeded", answer.text
    assert one.call("POST", "/api/collections/team/retention", data={"days": 365}).status_code == 200
    listed = {c: one.call("GET", "/api/faces", params={"collection": c}).json()["faces"] for c in ("default", "team")}
    facts["people"] = {c: [[face["label"], face["count"]] for face in faces] for c, faces in listed.items()}
    facts["pictures"] = [[c, face["label"], face["picture_face_id"]] for c, faces in listed.items() for face in faces]
    told = one.call("POST", "/api/session", json={"name": "ada", "password": PASSWORD})
    assert told.status_code == 200, told.text
    facts["cookie"] = one.http.cookies.pop("vultus_session")


def leave_waiting(one, pictures, facts):
    """Jobs that no worker takes any more."""
    for key, detector, photo in WAITING:
        job = post(one, "/api/recognize", pictures[photo], key, detector=detector)
        facts["jobs"][f"waiting_{detector}"] = job["id"]
    facts["keyed"] = [[key, detector, pictures[photo].hex()] for key, detector, photo in WAITING]
    facts["jobs"]["waiting_train"] = post(one, "/api/train", pictures["obama2"], name="Barack Obama", collection="team",
                                          detector="cnn")["id"]
    facts["jobs"]["dead"] = post(one, "/api/recognize", pictures["blank"])["id"]
    one.ctl(OLDER, "bury", facts["jobs"]["dead"])
    states = {job["id"]: job["state"] for job in one.call("GET", "/api/jobs").json()["jobs"]}
    ended = [name for name, job in facts["jobs"].items() if name.startswith("waiting") and states[job] in TERMINAL]
    assert not ended and states[facts["jobs"]["dead"]] == "dead", (ended, states)


def make(folder):
    pictures = photos()
    facts = {"jobs": {}, "password": PASSWORD}
    with processes(folder) as one:
        one.start_redis(OLDER)
        one.start("broker", OLDER)
        wait_until(lambda: one.redis().exists(f"{PREFIX}schema"), what="the functions in Redis")
        made = one.ctl(OLDER, "key", "create", "--scopes", "read,recognise,train,admin", "--jobs", "50", "--note", "older")
        facts["key"] = next(word for word in made.split() if word.startswith("vultus_"))
        made = one.ctl(OLDER, "key", "create", "--scopes", "read", "--collections", "team", "--note", "reader")
        facts["reader"] = next(word for word in made.split() if word.startswith("vultus_"))
        one.ctl(OLDER, "user", "add", "ada", "--role", "operator", said=PASSWORD + "\n")
        one.http.headers["X-Api-Key"] = facts["key"]
        one.start("worker", OLDER, "worker.keep_pictures=true")
        one.start("api", OLDER, "api.access=keys")
        one.ready(1)
        fill(one, pictures, facts)
        assert one.end("worker-older") == 0
        store = one.redis()
        store.bgrewriteaof()
        wait_until(lambda: not store.info("persistence")["aof_rewrite_in_progress"], what="a smaller file")
        leave_waiting(one, pictures, facts)
        assert one.fsck() == []
        facts["audit"] = json.loads(one.ctl(OLDER, "--json", "audit"))["audit"]
        facts["made_ms"] = int(time.time() * 1000)
        for name in list(one.running):
            one.end(name, signal.SIGKILL)
    return facts


def pack(folder, facts):
    pathlib.Path(folder, "facts.json").write_text(json.dumps(facts, indent=1))
    with tarfile.open(OUT, "w:gz") as tar:
        for path in ("facts.json", "access.secret", "redis/appendonlydir"):
            tar.add(pathlib.Path(folder, path), path, filter=nameless)


def nameless(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def main():
    build_older()
    with tempfile.TemporaryDirectory(prefix="vultus-older-") as folder:
        pack(folder, make(folder))
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
