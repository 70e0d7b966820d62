"""Clients of a nemesis run: they train, recognise, rename, merge, forget, clear and delete without a pause, and write down
what they did and heard (checker.py says what must hold of it)."""
import contextlib
import io
import json
import random
import threading
import time
import uuid

import checker
import requests
import world as worlds
from PIL import Image

PEOPLE = 8


def photo_of(person):
    """Colours at least 80 of 255 apart in one channel: 2.5 in the embedding, far over every threshold."""
    colour = tuple(32 + 80 * (person // 3 ** channel % 3) for channel in range(3))
    out = io.BytesIO()
    Image.new("RGB", (96, 96), colour).save(out, "PNG")
    return out.getvalue()


PHOTOS = {f"person {person}": photo_of(person) for person in range(PEOPLE)}


OPERATIONS = ("recognize", "direct", "train", "forget", "clear", "delete", "rename", "merge", "retain", "verify", "verify_direct",
              "reembed")


def call_of(operation, room, person, renamed=None, name=None):
    """Method, path, and what else `requests` takes. name: what the person is called."""
    here, photo = {"collection": room}, {"file": PHOTOS[person]}
    name = name or person
    return {
        "recognize": ("POST", "/api/recognize", {"params": {**here, "durable": "true"}, "files": photo}),
        "direct": ("POST", "/api/recognize", {"params": {**here, "durable": "false"}, "files": photo}),
        "verify": ("POST", "/api/verify", {"params": {**here, "person": name, "durable": "true"}, "files": photo}),
        "verify_direct": ("POST", "/api/verify", {"params": {**here, "person": name, "durable": "false"}, "files": photo}),
        "train": ("POST", "/api/train", {"data": {**here, "name": name}, "files": photo}),
        "forget": ("DELETE", "/api/faces", {"params": {**here, "label": name}}),
        "rename": ("POST", "/api/rename", {"params": {**here, "label": name, "label_to": renamed}}),
        "merge": ("POST", "/api/merge", {"params": {**here, "label": name, "label_to": renamed}}),
        "clear": ("POST", "/api/clear", {"params": here}),
        "delete": ("DELETE", f"/api/collections/{room}", {}),
        "retain": ("POST", f"/api/collections/{room}/retention", {"data": {"days": "365"}}),
        "reembed": ("POST", f"/api/collections/{room}/model", {"data": {"embedder": renamed}}),
    }[operation]


class Shared:
    """What the clients have in common."""

    def __init__(self, world, history, patience, rooms, mix=None):
        self.lock, self.over, self.floors, self.history = threading.Lock(), threading.Event(), {}, history
        self.world, self.patience, self.rooms = world, patience, rooms
        mix = mix or (40, 20, 24, 7, 3, 2, 2, 1, 1, 12, 8, 2)
        self.mix = (*mix, *[0] * (len(OPERATIONS) - len(mix)))  # weights of OPERATIONS

    def record(self, operation):
        with self.lock:
            self.history.write(json.dumps(operation) + "\n")
            if operation["outcome"] == "ok":
                room = operation["room"]
                self.floors[room] = max(self.floors.get(room, 0), operation["version"])


class Client(threading.Thread):
    """One after the other: an operation, its end, the next. Never gives up before it knows, or `patience` seconds."""

    def __init__(self, number, seed, shared):
        super().__init__(name=f"client-{number}")
        self.random, self.shared = random.Random(f"{seed}/{number}"), shared
        self.urls, self.http, self.store = shared.world.urls(), requests.Session(), shared.world.store()

    def run(self):
        while not self.shared.over.is_set():
            what = self.random.choices(OPERATIONS, self.shared.mix)[0]
            person = f"person {self.random.randrange(PEOPLE)}"
            if what in ("rename", "merge"):
                person = self.random.choice(list(checker.OTHER_NAMES))
            elif what.startswith("verify"):  # of who may have two names, either may have no face
                person = self.random.choice([one for one in PHOTOS if one not in checker.OTHER_NAMES])
            names = checker.names_of(person)
            self.random.shuffle(names)
            to = names[1] if what in ("rename", "merge") else self.random.choice(worlds.MODELS) if what == "reembed" else None
            operation = {"op": what, "room": f"room-{self.random.randrange(self.shared.rooms)}", "person": person,
                         "label": names[0], "to": to, "outcome": "unknown", "job": None,
                         "version": 0, "said": None, "model": None, "accepted": None, "end": None, "key_jobs": [], "behind": []}
            with self.shared.lock:
                operation["floor"] = self.shared.floors.get(operation["room"], 0)
            operation["begin"] = time.monotonic()
            self.carry_out(operation)
            self.shared.record(operation)

    def carry_out(self, operation):
        method, path, body = call_of(operation["op"], operation["room"], operation["person"], operation["to"],
                                     operation["label"])
        # Half of the changes hear at once that they are accepted, so that others can begin after that.
        early = operation["op"] not in checker.DIRECT and self.random.random() < 0.5
        headers = {} if early else {"Prefer": "wait=10"}
        if operation["op"] not in checker.DIRECT:
            headers["Idempotency-Key"] = str(uuid.UUID(int=self.random.getrandbits(128)))
        doubt = False  # an attempt before this one may have been accepted
        give_up = time.monotonic() + self.shared.patience
        while time.monotonic() < give_up:
            try:
                answer = self.http.request(method, self.random.choice(self.urls) + path, headers=headers, timeout=20,
                                           **body)
            except requests.RequestException:
                doubt = True
                if operation["op"] in checker.DIRECT:
                    return
                time.sleep(0.05)
                continue
            if answer.status_code in (200, 202):
                return self.accepted(operation, answer.json(), give_up)
            if answer.status_code == 404 and operation["op"].startswith("verify"):  # nobody of that name
                if not doubt:  # else an earlier attempt may have made a job
                    operation.update(outcome="ok", end=time.monotonic(), said=["unknown"], version=operation["floor"])
                return
            if answer.status_code not in (503, 429):
                # A name that is taken, a collection that is not there: it did not happen.
                # Nobody to embed again, or that model already.
                nothing = answer.status_code in {"rename": (409,), "delete": (404,), "retain": (404,), "reembed": (404, 409)}.get(operation["op"], ())
                operation["outcome"] = "refused" if nothing else "failed"
                operation["said"] = answer.text
                operation["end"] = time.monotonic()
                return
            # Redis may have accepted it and died before it said so.
            doubt = doubt or "unknown_outcome" in answer.text
            operation["said"] = answer.text
            if operation["op"] in checker.DIRECT or (not doubt and self.random.random() < 0.3):
                operation["outcome"] = "refused"
                operation["end"] = time.monotonic()
                return
            time.sleep(min(1.0, float(answer.headers.get("Retry-After", "1"))))

    def accepted(self, operation, said, give_up):
        if operation["op"] == "retain":
            operation.update(outcome="ok", end=time.monotonic(), accepted=time.monotonic(), said=None)
            return
        if operation["op"] in checker.DIRECT:
            return self.ended(operation, "succeeded", said)
        operation.update(job=said["id"], accepted=time.monotonic(), said=None)
        operation["key_jobs"].append(said["id"])
        while said["state"] not in checker.TERMINAL:
            if time.monotonic() > give_up:
                return
            try:
                answer = self.http.get(f"{self.random.choice(self.urls)}/api/jobs/{said['id']}", params={"wait": 10},
                                       timeout=20)
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                said = answer.json()
            elif answer.status_code in (503, 429):
                time.sleep(0.2)
            else:
                operation["outcome"] = "failed"
                operation["said"] = f"{answer.status_code} {answer.text}"
                return
        self.ended(operation, said["state"], said.get("result"))
        if operation["op"] == "verify" and said["state"] == "failed" and said["error"]["code"] == "not_found":
            operation.update(outcome="refused", said=said["error"])  # the person was removed meanwhile
        if operation["op"] == "reembed" and said["state"] == "failed" and said["error"]["code"] == "wrong_state":
            operation.update(outcome="refused", said=said["error"])  # cleared meanwhile, or another one was faster
        operation["removed"] = operation["outcome"] == "ok" and (said.get("result") or {}).get("removed_faces", 0)

    def ended(self, operation, state, result):
        operation["end"] = time.monotonic()
        operation["outcome"] = "ok" if state == "succeeded" else "failed"
        if state != "succeeded":
            return
        if operation["op"] in checker.ANSWERS:
            verified = [operation["label"] if result.get("same") else "unknown"]
            operation["said"] = verified if operation["op"].startswith("verify") else worlds.names(result)
            operation["version"] = result["gallery"]["version"]
            operation["model"] = result["models"].get("embedding")
        else:
            operation["version"] = result["version"]
            if not result.get("superseded"):  # then it changed nothing, and waited for nobody
                operation["behind"] = self.behind(operation["room"], operation["version"])

    def behind(self, room, version):
        """Registered workers that hold an older gallery than a change that is done made. To hold none (0) is older only
        while the one that the change made is there: a delete may have taken it since."""
        with contextlib.suppress(worlds.redis.RedisError, OSError):
            workers = self.store.zrange(f"{worlds.PREFIX}workers", 0, -1)
            pipe = self.store.pipeline(transaction=True)
            for worker in workers:
                pipe.hget(f"{worlds.PREFIX}worker:{worker.decode()}", f"gallery:{room}")
            pipe.hget(f"{worlds.PREFIX}gallery:{room}", "epoch")
            *holdings, epoch = pipe.execute()
            there = version > 0 and epoch is not None and int(epoch) == version // 10 ** 9
            return [worker.decode() for worker, held in zip(workers, holdings)
                    if held is not None and int(held) < version and (int(held) > 0 or there)]
        return []


class Listener(threading.Thread):
    """Follows the events of all jobs at one api, and writes down whom they name, and when that was heard."""

    def __init__(self, number, shared):
        super().__init__(name=f"listener-{number}")
        self.shared, urls = shared, shared.world.urls()
        self.url = urls[number % len(urls)]

    def run(self):
        while not self.shared.over.is_set():
            with contextlib.suppress(requests.RequestException, ValueError, AttributeError):
                self.listen()
            self.shared.over.wait(0.1)

    def listen(self):
        with requests.get(f"{self.url}/api/events", stream=True, timeout=(5, 20)) as stream:
            for line in stream.iter_lines(chunk_size=1):
                heard = time.monotonic()
                if self.shared.over.is_set():
                    return
                if line.startswith(b'data: {"'):
                    self.note(json.loads(line[6:]), heard)

    def note(self, event, heard):
        named = [one["label"] for kind in ("known", "ambiguous") for one in event.get(kind, ())]
        named += [event["label"]] if "label" in event else []
        if named:
            self.shared.record({"op": "event", "room": event["collection"], "person": named[0], "said": named,
                                "about": event["id"], "begin": heard, "end": heard, "outcome": "ok", "job": None,
                                "version": 0, "floor": 0, "accepted": None, "key_jobs": [], "behind": []})


class EventReader(threading.Thread):
    """Counts the terminal events of each job, before Redis trims them."""

    def __init__(self, world):
        super().__init__(name="events")
        self.world, self.ends, self.last, self.over = world, {}, b"0-0", threading.Event()
        self.order, self.read = {}, 0

    def wait_for(self, store):
        """Until it has read what is there now."""
        newest = store.xinfo_stream(f"{worlds.PREFIX}events")["last-generated-id"]
        while self.last != newest and self.is_alive():
            time.sleep(0.05)

    def run(self):
        store = self.world.store()
        while not self.over.is_set():
            try:
                found = store.xread({f"{worlds.PREFIX}events": self.last}, count=1000, block=500)
            except (worlds.redis.RedisError, OSError):
                time.sleep(0.1)
                continue
            for self.last, fields in (found[0][1] if found else []):
                job = fields[b"job"].decode()
                self.read += 1
                self.order.setdefault(job, [self.read, 0])
                if fields[b"to"].decode() in checker.TERMINAL:
                    self.order[job][1] = self.read
                    self.ends[job] = self.ends.get(job, 0) + 1
