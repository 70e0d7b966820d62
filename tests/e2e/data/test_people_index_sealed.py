"""Encrypted data of before people had records, indexed while the broker is killed ten times and people are taught and changed."""
import os
import signal
import subprocess
import threading

from conftest import PREFIX, names, running, wait_until
from test_at_rest import CTL, ctl
from test_people_index import fill, make_older, records

PEOPLE = 12_000
MODEL = "dlib_resnet_v1/mirror_unit"


class Teacher(threading.Thread):
    """Teaches new people of names that others have, and gives each of them notes, until it is stopped."""

    def __init__(self, service):
        super().__init__()
        self.service, self.stopped, self.taught, self.wrong = service, threading.Event(), {}, []

    def run(self):
        number = 0
        while not self.stopped.is_set():
            number += 1
            vector = [0.0] * 128
            vector[number % 128] = 1.0
            form = {"name": f"anna {number % 3}", "new_person": True, "model": MODEL, "embeddings": [vector]}
            answer = self.service.call("POST", "/api/train", json=form, headers={"Prefer": "wait=30"})
            job = self.service.finish(answer.json()) if answer.status_code in (200, 202) else None
            if job is None or job["state"] != "succeeded":
                self.wrong.append(answer.text)
                return
            changed = self.service.call("PATCH", f"/api/people/{job['person_id']}", json={"notes": f"secret {number}"})
            if changed.status_code != 200:
                self.wrong.append(changed.text)
                return
            self.taught[job["person_id"]] = f"secret {number}"


def test_encrypted_people_are_indexed_through_ten_kills_while_others_come(photos, tmp_path):
    key = tmp_path / "key"
    subprocess.run([CTL, "encryption-key", key], check=True)
    with running(settings=(f"common.encryption_key_file={key}",)) as service:
        store = service.redis()
        service.train("Barack Obama", photos["small_obama"])
        fill(store, "default", PEOPLE)
        ctl(service, "encrypt", key=key)
        sample = store.hget(f"{PREFIX}gallery:default:1:vectors", "01936a3e-7f10-7b01-a3c4-000000000001-0")
        assert sample.startswith(b"VS\xff\xff"), "as written by a version with a key"
        make_older(store, "default")
        teacher = Teacher(service)
        teacher.start()
        middle = 0
        for kill in range(10):
            before = records(store)
            wait_until(lambda before=before: records(store) > before + 100 or not store.exists(f"{PREFIX}unindexed"))
            middle += store.exists(f"{PREFIX}unindexed")
            for pid in service.pids("vultus-broker"):
                os.kill(pid, signal.SIGKILL)
            if kill == 4:
                assert service.fsck() == []
        wait_until(lambda: not store.exists(f"{PREFIX}unindexed"), 60, "the index")
        wait_until(lambda: teacher.taught or teacher.wrong, what="somebody who was taught meanwhile")
        teacher.stopped.set()
        teacher.join()
        assert teacher.wrong == [] and middle >= 8, (teacher.wrong, middle)
        print(f"\n{middle} kills in the middle, {len(teacher.taught)} people taught and changed meanwhile")
        assert service.fsck() == [] and records(store) == PEOPLE + 1 + len(teacher.taught)
        ctl(service, "fsck", key=key)  # everything decrypts
        for person, notes in teacher.taught.items():
            assert service.call("GET", f"/api/people/{person}").json()["notes"] == notes
        assert service.call("GET", "/api/people", params={"q": "barack"}).json()["people"][0]["faces"] == 1
        assert b"secret 1" not in b"".join(store.hvals(f"{PREFIX}gallery:default:1:people"))
        wait_until(lambda: names(service.recognize(photos["small_obama2"])) == ["Barack Obama"], what="the name")
