"""Data of an older version under today's programs: what a service of commit 99cf9ab left behind that was killed with jobs waiting
(tests/older/make_data.py). An hour ends a waiting job and a day removes a result, so the host's clock is set to a minute after the
data were made, or to long after.
"""
import contextlib
import io
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import time

import pytest
import requests
from conftest import ROOT, names, started, wait_until
from PIL import Image

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
DATA = pathlib.Path(__file__).with_name("older-data.tar.gz")
COMPOSED = "Zo\u00eb"  # as today's names are written; the older version stored it decomposed
DAY = 24 * 3600 * 1000
SETTINGS = ["api.access=keys", "worker.keep_pictures=true"]


def lay(folder):
    """The data in this folder; returns what a user of it knows."""
    subprocess.run(["tar", "-xzf", DATA, "-C", folder], check=True)
    return json.loads(pathlib.Path(folder, "facts.json").read_text())


def clock_at(folder, ms):
    """The environment of a host with this time."""
    luck = pathlib.Path(folder, "bad_luck")
    luck.write_bytes(struct.pack("=qqq", 0, 0, ms - int(time.time() * 1000)))
    return {"LD_PRELOAD": str(PROGRAMS / "bad_luck.so"), "VULTUS_BAD_LUCK": str(luck)}


@contextlib.contextmanager
def upgraded(later_ms=60_000):
    """Today's service on the data, used with the key of before; `facts` is what its user knows."""
    with tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        facts = lay(folder)
        with started(folder, settings=SETTINGS, environment=clock_at(folder, facts["made_ms"] + later_ms)) as service:
            service.facts = facts
            service.http.headers["X-Api-Key"] = facts["key"]
            yield service


@pytest.fixture(scope="module")
def older():
    """For tests that leave what was there as it was."""
    with upgraded() as one:
        yield one


@pytest.fixture
def fresh():
    with upgraded() as one:
        yield one


def ctl(service, *words, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, *words], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def people(service, collection):
    listed = service.call("GET", "/api/faces", params={"collection": collection}).json()["faces"]
    return [[face["label"], face["count"]] for face in listed]


def ended(service, job):
    return service.finish(service.call("GET", f"/api/jobs/{job}").json())


def test_waiting_jobs_run_to_their_end_with_the_right_names(fresh):
    jobs = fresh.facts["jobs"]
    for name, expected in (("waiting_hog", ["Barack Obama"]), ("waiting_cnn", ["Joe Biden"])):
        job = ended(fresh, jobs[name])
        assert job["state"] == "succeeded" and names(job["result"]) == expected, job
    job = ended(fresh, jobs["waiting_train"])
    assert job["state"] == "succeeded" and job["result"]["version"], job
    assert sorted(people(fresh, "team")) == sorted([*fresh.facts["people"]["team"], ["Barack Obama", 1]])
    assert fresh.fsck() == []


def test_a_request_that_is_repeated_after_the_upgrade_is_the_job_of_before(fresh):
    for key, detector, photo in fresh.facts["keyed"]:
        answer = fresh.call("POST", "/api/recognize", files={"file": ("photo.jpg", bytes.fromhex(photo))},
                            data={"detector": detector}, headers={"Idempotency-Key": key})
        assert answer.status_code in (200, 202), answer.text
        assert answer.json()["id"] == fresh.facts["jobs"][f"waiting_{detector}"]
    assert fresh.fsck() == []


def test_jobs_that_ended_are_read(older):
    jobs = older.facts["jobs"]
    job = older.call("GET", f"/api/jobs/{jobs['succeeded']}").json()
    assert job["state"] == "succeeded" and job["result"] == older.facts["result"]
    image = older.call("GET", f"/api/jobs/{jobs['succeeded']}/image")
    assert Image.open(io.BytesIO(image.content)).size == (320, 320)
    job = older.call("GET", f"/api/jobs/{jobs['failed']}").json()
    assert job["state"] == "failed" and job["error"]["code"] == older.facts["error"]
    for train in jobs["trains"]:
        assert older.call("GET", f"/api/jobs/{train}").json()["state"] == "succeeded"
    listed = older.call("GET", "/api/jobs", params={"page_size": 100}).json()["jobs"]
    known = {one for found in jobs.values() for one in (found if isinstance(found, list) else [found])}
    assert known <= {job["id"] for job in listed}


def test_a_dead_job_is_kicked_and_runs(fresh):
    dead = fresh.facts["jobs"]["dead"]
    assert fresh.call("GET", f"/api/jobs/{dead}").json()["state"] == "dead"
    ctl(fresh, "kick", dead)
    job = ended(fresh, dead)
    assert job["state"] == "succeeded" and names(job["result"]) == [], job


@pytest.mark.parametrize("detector", ["hog", "cnn", "centerface"])
def test_people_who_were_taught_before_are_named(older, photos, detector):
    for photo, name, in_team in (("obama2", "Barack Obama", None), ("biden", "Joe Biden", COMPOSED)):
        assert names(older.recognize(photos[f"small_{photo}"], detector=detector)) == [name]
        if in_team:
            [face] = older.recognize(photos[f"small_{photo}"], collection="team", detector=detector)["faces"]
            assert face["label"] in (in_team, older.facts["people"]["team"][0][0]), face


def test_lists_pictures_and_retention_are_those_of_before(older):
    assert people(older, "default") == older.facts["people"]["default"]
    for collection, name, face in older.facts["pictures"]:
        answer = older.call("GET", f"/api/faces/{requests.utils.quote(name)}/{face}/picture", params={"collection": collection})
        assert answer.status_code == 200, answer.text
        assert Image.open(io.BytesIO(answer.content)).size == (112, 112)
    assert older.call("GET", "/api/collections/team/retention").json()["days"] == 365


def test_a_key_has_its_scopes_and_a_user_logs_in(older, photos):
    reader = {"X-Api-Key": older.facts["reader"]}
    assert older.call("GET", "/api/faces", params={"collection": "team"}, headers=reader).status_code == 200
    assert older.call("GET", "/api/faces", headers=reader).status_code == 403
    refused = older.call("POST", "/api/recognize", files={"file": ("a.jpg", photos["small_obama"])},
                         data={"collection": "team"}, headers=reader)
    assert refused.status_code == 403, refused.text
    wrong = older.facts["key"][:-1] + ("0" if older.facts["key"][-1] != "0" else "1")
    assert older.call("GET", "/api/faces", headers={"X-Api-Key": wrong}).status_code in (400, 401)

    for password, status in ((older.facts["password"], 200), ("another", 401)):
        told = requests.post(f"{older.url}/api/session", json={"name": "ada", "password": password}, timeout=30)
        assert told.status_code == status, told.text
    session = requests.get(f"{older.url}/api/session", cookies={"vultus_session": older.facts["cookie"]}, timeout=30).json()
    assert (session["user"], session["role"]) == ("ada", "operator"), "who was logged in still is"


def test_the_audit_log_continues(older, photos):
    older.train("Somebody", photos["small_obama"], collection="audited")
    told = json.loads(ctl(older, "--json", "audit"))["audit"]
    assert told[-len(older.facts["audit"]):] == older.facts["audit"]
    assert told[0]["what"] == "train" and told[0]["collection"] == "audited"
    mine = json.loads(ctl(older, "--json", "audit", "--label", "Gone"))["audit"]
    assert [entry["what"] for entry in mine] == ["forget", "train"]


def test_fsck_finds_only_the_name_that_is_written_otherwise(fresh, photos):
    for name in ("waiting_hog", "waiting_cnn", "waiting_train"):
        ended(fresh, fresh.facts["jobs"][name])
    findings = json.loads(ctl(fresh, "--json", "fsck", code=1))["findings"]
    assert len(findings) == 1 and "name" in findings[0], findings
    ctl(fresh, "names", "--fix")
    ctl(fresh, "fsck")
    assert [COMPOSED, 1] in people(fresh, "team")
    assert names(fresh.recognize(photos["small_biden"], collection="team")) == [COMPOSED]


def test_old_collections_are_changed_and_no_answer_is_older_than_a_change(fresh, photos):
    def answer(photo):
        result = fresh.recognize(photos[f"small_{photo}"])
        return names(result), result["gallery"]["version"]

    def changed(answered):
        assert answered.status_code in (200, 202), answered.text
        job = fresh.finish(answered.json())
        assert job["state"] == "succeeded", job
        return job["result"]["version"]

    fresh.train("Barack Obama", photos["small_obama3"])
    assert ["Barack Obama", 2] in people(fresh, "default")
    version = changed(fresh.call("POST", "/api/rename", data={"label": "Joe Biden", "label_to": "Joe"}))
    named, seen = answer("biden")
    assert named == ["Joe"] and seen >= version
    version = changed(fresh.call("DELETE", "/api/faces/Joe"))
    named, seen = answer("biden")
    assert named == ["unknown"] and seen >= version
    assert answer("obama2")[0] == ["Barack Obama"]
    version = changed(fresh.call("POST", "/api/clear"))
    named, seen = answer("obama2")
    assert named == ["unknown"] and seen >= version and people(fresh, "default") == []
    assert fresh.fsck() == []


def test_an_old_collection_is_exported_and_restored(older, photos):
    saved = older.data / "default.export"
    ctl(older, "export", saved)
    ctl(older, "restore", saved, "--collection", "copy")
    assert people(older, "copy") == older.facts["people"]["default"]
    assert names(older.recognize(photos["small_obama2"], collection="copy")) == ["Barack Obama"]
    assert older.fsck() == []


def test_long_after_nothing_goes_before_an_operator_says_that_the_clock_is_right(photos):
    """These data have no `clock`: their newest event is all that the clock of the host can be compared with."""
    def clock():
        return one.call("GET", "/api/status").json()["clock"]["state"]

    def gone(job):
        return one.call("GET", f"/api/jobs/{job}").status_code in (404, 410)

    with upgraded(400 * DAY) as one:
        wait_until(lambda: clock() == "suspicious", what="the state of the clock")
        for name in ("waiting_hog", "waiting_cnn", "waiting_train"):
            assert ended(one, one.facts["jobs"][name])["state"] == "succeeded", "its deadline has not passed for sure"
        time.sleep(6)  # gc looks at least every 5 s
        assert not gone(one.facts["jobs"]["succeeded"])
        assert people(one, "default") == one.facts["people"]["default"]
        assert sorted(people(one, "team")) == sorted([*one.facts["people"]["team"], ["Barack Obama", 1]])

        ctl(one, "clock", "accept")
        wait_until(lambda: clock() == "steady", what="the state of the clock")
        wait_until(lambda: gone(one.facts["jobs"]["succeeded"]), what="a result is kept for a day")
        wait_until(lambda: people(one, "team") == [["Barack Obama", 1]], what="the others were not seen for their 365 days")
        assert people(one, "default") == one.facts["people"]["default"]
        assert names(one.recognize(photos["small_obama2"])) == ["Barack Obama"]
        told = requests.post(f"{one.url}/api/session", json={"name": "ada", "password": one.facts["password"]}, timeout=30)
        assert told.status_code == 200, told.text
        assert one.fsck() == []
