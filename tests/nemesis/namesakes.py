"""People who share one name in a collection of their own. Each belongs to one thread, which teaches, forgets and changes it by
its person_id: what it did and heard is what must be there, on nobody else, whatever is struck meanwhile."""
import random
import threading
import time
import uuid

import checker
import requests
from clients import PHOTOS

ROOM, NAME = checker.NAMESAKES, "Sam"
PEOPLE = list(PHOTOS)


class Owner(threading.Thread):
    """Of every `step`-th person from `first` on."""

    def __init__(self, first, step, seed, shared):
        super().__init__(name=f"namesakes-{first}")
        self.random, self.shared, self.http = random.Random(f"{seed}/namesakes/{first}"), shared, requests.Session()
        self.urls, self.faults, self.operations, self.jobs, self.unheard = shared.world.urls(), [], 0, [], 0
        # What is known of each: {"taught": bool, "notes": text or None}; None: an end was never heard.
        self.known = {person: {"taught": False, "notes": None} for person in PEOPLE[first::step]}

    def run(self):
        while not self.shared.over.is_set():
            person = self.random.choice(list(self.known))
            what = self.random.choice((self.teach, self.change, self.change, self.look, self.look, self.ask, self.ask, self.forget))
            what(person)
            self.operations += 1

    @staticmethod
    def id_of(person):
        return f"n/{PEOPLE.index(person)}"

    def fault(self, what, person, heard):
        self.faults.append([what, {"person": person, "known": self.known[person], "heard": heard}])

    def send(self, method, path, **more):
        """The answer that is no "try again", or None after too long. Repeated under one key, so it happens once."""
        headers = {"Idempotency-Key": str(uuid.UUID(int=self.random.getrandbits(128))), "Prefer": "wait=10"}
        give_up = time.monotonic() + self.shared.patience
        while time.monotonic() < give_up:
            try:
                answer = self.http.request(method, self.random.choice(self.urls) + path, headers=headers, timeout=20, **more)
                if answer.status_code not in (429, 503):
                    return answer
            except requests.RequestException:
                pass
            time.sleep(0.1)
        self.unheard += 1

    def done(self, answer):
        """The job at its end, or None."""
        job = answer.json() if answer is not None and answer.status_code in (200, 202) else None
        if job:
            self.jobs.append(job["id"])
        while job and job["state"] not in checker.TERMINAL:
            answer = self.send("GET", f"/api/jobs/{job['id']}", params={"wait": 5})
            job = answer.json() if answer is not None and answer.status_code == 200 else None
        return job

    def path(self, person):
        return f"/api/people/{self.id_of(person).replace('/', '%2F')}"

    def teach(self, person):
        known, self.known[person] = self.known[person], None
        job = self.done(self.send("POST", "/api/train", data={"collection": ROOM, "name": NAME, "person_id": self.id_of(person)},
                                  files={"file": PHOTOS[person]}))
        if job and job["state"] == "succeeded":
            self.known[person] = known and {**known, "taught": True}

    def forget(self, person):
        known, self.known[person] = self.known[person], None
        answer = self.send("DELETE", self.path(person), params={"collection": ROOM})
        job = self.done(answer)
        if (job and job["state"] == "succeeded") or (answer is not None and answer.status_code == 404):
            self.known[person] = {"taught": False, "notes": None}
            if known and known["taught"] and answer.status_code == 404:
                self.known[person] = known
                self.fault("person lost", person, answer.text)

    def change(self, person):
        known, self.known[person] = self.known[person], None
        notes = str(self.random.random())
        answer = self.send("PATCH", self.path(person), params={"collection": ROOM},
                           json={"notes": notes, "external_id": f"of {self.id_of(person)}"})
        if answer is None:
            return
        self.known[person] = known
        if answer.status_code == 200:
            self.known[person] = {"taught": True, "notes": notes}
            if known and not known["taught"]:
                self.fault("forgotten person", person, answer.text)
        elif answer.status_code != 404 or (known and known["taught"]):
            self.fault("person lost", person, answer.text)

    def look(self, person):
        known = self.known[person]
        external = self.random.random() < 0.5 and known and known["notes"]
        path, query = ("/api/people", {"external_id": f"of {self.id_of(person)}"}) if external else (self.path(person), {})
        answer = self.send("GET", path, params={"collection": ROOM, **query})
        if answer is None or known is None:
            return
        found = answer.json().get("people", [answer.json()]) if answer.status_code == 200 else []
        if bool(found) != known["taught"]:
            self.fault("person lost" if known["taught"] else "forgotten person", person, answer.text)
        elif found and (found[0]["person_id"], found[0]["name"], found[0]["notes"]) != (self.id_of(person), NAME, known["notes"]):
            self.fault("data of a person", person, answer.text)

    def ask(self, person):
        known = self.known[person]
        job = self.done(self.send("POST", "/api/recognize", params={"collection": ROOM}, files={"file": PHOTOS[person]}))
        if not job or job["state"] != "succeeded" or known is None:
            return
        for face in job["result"]["faces"]:
            heard = face.get("person_id") if face["status"] != "unknown" else None
            if heard != (self.id_of(person) if known["taught"] else None):
                self.fault("another person", person, face)


def owners(shared, seed, count=2):
    return [Owner(first, count, seed, shared) for first in range(count)]


def heard_by(all_of_them):
    """For the checker."""
    return {"faults": [fault for one in all_of_them for fault in one.faults],
            "jobs": [job for one in all_of_them for job in one.jobs],
            "unheard": sum(one.unheard for one in all_of_them), "operations": sum(one.operations for one in all_of_them)}
