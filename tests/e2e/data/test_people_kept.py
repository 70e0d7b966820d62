"""Data of people at rest: encrypted like faces, gone with the last face, back from an export, found by an erasure."""
import json

from conftest import names, running, started
from test_at_rest import ctl, stored, traces

DATA = {"external_id": "crm secret 1", "metadata": {"team": "of secrets"}, "notes": "a secret note"}
WORDS = {word: word.encode() for word in ("crm secret 1", "of secrets", "a secret note")}


def teach(service, photos):
    person = service.train("Sam", photos["small_obama"])["person_id"]
    service.train("Sam", photos["small_biden"], person_id="hr/2")
    assert service.call("PATCH", f"/api/people/{person}", json=DATA).status_code == 200
    return person


def test_data_are_encrypted_with_the_key(photos, tmp_path):
    key = tmp_path / "key"
    with running() as service:
        ctl(service, "encryption-key", key)
    with running(settings=(f"common.encryption_key_file={key}",)) as service:
        person = teach(service, photos)
        assert [traces(where, WORDS) for where in stored(service)] == [[], []]
        assert service.call("GET", "/api/people", params={"external_id": DATA["external_id"]}).json()["people"][0]["notes"]
        assert json.loads(ctl(service, "person", person, "--json", key=key))["notes"] == DATA["notes"]
        assert service.fsck() == []


def test_plain_data_become_encrypted(photos, tmp_path):
    key = tmp_path / "key"
    folder = tmp_path / "data"
    folder.mkdir()
    with started(folder) as service:
        person = teach(service, photos)
        assert traces(stored(service)[0], WORDS)
        ctl(service, "encryption-key", key)
    with started(folder, settings=(f"common.encryption_key_file={key}",)) as service:
        assert "1 people" in ctl(service, "encrypt", key=key)
        assert traces(stored(service)[0], WORDS) == []
        found = service.call("GET", "/api/people", params={"external_id": DATA["external_id"]}).json()["people"]
        assert [(one["person_id"], one["notes"]) for one in found] == [(person, DATA["notes"])]
        assert service.fsck() == []


def test_people_come_back_from_an_export(photos, tmp_path):
    file = tmp_path / "export"
    with running() as service:
        person = teach(service, photos)
        ctl(service, "export", file)
    with running() as service:
        ctl(service, "restore", file)
        found = service.call("GET", f"/api/people/{person}").json()
        assert {name: found[name] for name in DATA} == DATA
        assert service.call("GET", "/api/people/hr%2F2").json()["name"] == "Sam"
        result = service.recognize(photos["small_biden"])
        assert (names(result), [face["person_id"] for face in result["faces"]]) == (["Sam"], ["hr/2"])
        ctl(service, "restore", file)
        assert len(service.call("GET", "/api/people").json()["people"]) == 2 and service.fsck() == []


def test_nothing_of_a_person_is_left_and_an_erasure_sees_who_is(photos):
    with running() as service:
        person = teach(service, photos)
        said = ctl(service, "erasure", "Sam", code=1)
        assert f"{person}, hr/2" in said, "a name that fits two"
        assert "gallery:default:1:labels" in ctl(service, "erasure", "--person-id", "hr/2", code=1)
        assert service.recognize(photos["small_biden"])["faces"][0]["person_id"] == "hr/2"
        seen = service.recognize(photos["small_obama"])
        assert seen["faces"][0]["person_id"] == person and seen["faces"][0]["name_shared"]
        assert service.call("DELETE", "/api/people/hr%2F2", headers={"Prefer": "wait=30"}).status_code == 200
        ctl(service, "erasure", "Sam", "--person-id", "hr/2", "--purge")
        ctl(service, "erasure", "--person-id", "hr/2")
        jobs = service.call("GET", "/api/jobs?page_size=100").json()["jobs"]
        assert {job.get("person_id") for job in jobs if job["type"] in ("train", "forget")} == {person}, "the other one's are left"
        assert "gallery:default:1:labels" in ctl(service, "erasure", "--person-id", person, code=1), "who is there still"
        assert service.call("DELETE", f"/api/people/{person}", headers={"Prefer": "wait=30"}).status_code == 200
        ctl(service, "erasure", "Sam", "--purge", "--rewrite")
        assert traces(stored(service)[0], {**WORDS, "name": b"Sam"}) == []
        log = service.redis().xrange("vultus:{0}:audit")
        assert {b"hr/2", person.encode()} <= {fields.get(b"person") for _, fields in log}
