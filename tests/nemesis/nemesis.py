#!/usr/bin/env python3
"""Kills, stops and restarts everything while clients work, and then asks whether anything was lost, done twice, or said
after it was forgotten.

    ./test nemesis [--seconds 60] [--seed 1] [--clients 12] [--history FILE] [--json]
    ./test nemesis --prove [--seconds 30]      the same with each seeded bug of bugs.py: all must be noticed

Two apis, two brokers, four workers, one Redis (appendfsync always). The code is the shipped one; the workers see a photo
of one colour as one face (nemesis_worker.cpp). Each client keeps a history (checker.py says what must hold of it). The
last line is one JSON object: faults done, jobs accepted, answers, how many of those only one answer was right for, faults
found. Exit code 1 if there is one.
"""
import argparse
import io
import json
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time
import uuid

import requests
from PIL import Image

import bugs
import checker
import world as worlds
from ran_on import ran_on

PEOPLE, ROOMS = 8, 3


def photo_of(person):
    """Colours at least 80 of 255 apart in one channel: 2.5 in the embedding, far over every threshold."""
    colour = tuple(32 + 80 * (person // 3 ** channel % 3) for channel in range(3))
    out = io.BytesIO()
    Image.new("RGB", (96, 96), colour).save(out, "PNG")
    return out.getvalue()


PHOTOS = [photo_of(person) for person in range(PEOPLE)]


class Client(threading.Thread):
    """One after the other: an operation, its end, the next. Never gives up before it knows, or 60 s."""

    def __init__(self, number, seed, urls, shared):
        super().__init__(name=f"client-{number}")
        self.random, self.urls, self.shared = random.Random(f"{seed}/{number}"), urls, shared
        self.http = requests.Session()

    def run(self):
        while not self.shared.over.is_set():
            operation = {"op": self.random.choices(["recognize", "direct", "train", "forget", "clear"],
                                                   [42, 22, 24, 8, 4])[0],
                         "room": f"room-{self.random.randrange(ROOMS)}",
                         "person": f"person {self.random.randrange(PEOPLE)}", "outcome": "unknown", "job": None,
                         "version": 0, "said": None, "accepted": None, "end": None, "key_jobs": []}
            with self.shared.lock:
                operation["floor"] = self.shared.floors.get(operation["room"], 0)
            operation["begin"] = time.monotonic()
            self.carry_out(operation)
            if operation["outcome"] == "ok":
                with self.shared.lock:
                    floors = self.shared.floors
                    floors[operation["room"]] = max(floors.get(operation["room"], 0), operation["version"])
            self.shared.record(operation)

    def request(self, operation):
        photo = PHOTOS[int(operation["person"].split()[1])]
        room, person = operation["room"], operation["person"]
        if operation["op"] == "train":
            return "POST", "/api/train", {"data": {"name": person, "collection": room}, "files": {"file": photo}}
        if operation["op"] == "forget":
            return "DELETE", "/api/faces", {"params": {"label": person, "collection": room}}
        if operation["op"] == "clear":
            return "POST", "/api/clear", {"params": {"collection": room}}
        durable = "false" if operation["op"] == "direct" else "true"
        return "POST", "/api/recognize", {"params": {"collection": room, "durable": durable}, "files": {"file": photo}}

    def carry_out(self, operation):
        method, path, body = self.request(operation)
        # Half of the changes hear at once that they are accepted, so that others can begin after that.
        early = operation["op"] != "direct" and self.random.random() < 0.5
        headers = {} if early else {"Prefer": "wait=10"}
        if operation["op"] != "direct":
            headers["Idempotency-Key"] = str(uuid.UUID(int=self.random.getrandbits(128)))
        doubt = False  # an attempt before this one may have been accepted
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up:
            try:
                answer = self.http.request(method, self.random.choice(self.urls) + path, headers=headers, timeout=20,
                                           **body)
            except requests.RequestException:
                doubt = True
                if operation["op"] == "direct":
                    return
                time.sleep(0.05)
                continue
            if answer.status_code in (200, 202):
                return self.accepted(operation, answer.json(), give_up)
            if answer.status_code not in (503, 429):
                operation["outcome"] = "failed"
                operation["said"] = answer.text
                operation["end"] = time.monotonic()
                return
            # Redis may have accepted it and died before it said so.
            doubt = doubt or "store_unavailable" in answer.text
            if operation["op"] == "direct" or (not doubt and self.random.random() < 0.3):
                operation["outcome"] = "refused"
                operation["end"] = time.monotonic()
                return
            time.sleep(min(1.0, float(answer.headers.get("Retry-After", "1"))))

    def accepted(self, operation, said, give_up):
        if operation["op"] == "direct":
            return self.ended(operation, "succeeded", said)
        operation["job"], operation["accepted"] = said["id"], time.monotonic()
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

    def ended(self, operation, state, result):
        operation["end"] = time.monotonic()
        operation["outcome"] = "ok" if state == "succeeded" else "failed"
        if state != "succeeded":
            return
        if operation["op"] in ("recognize", "direct"):
            operation["said"] = [face["label"] if face["status"] == "known" else face["status"]
                                 for face in result["faces"]]
            operation["version"] = result["gallery"]["version"]
        else:
            operation["version"] = result["version"]


class Shared:
    def __init__(self, history):
        self.lock, self.over, self.floors, self.history = threading.Lock(), threading.Event(), {}, history

    def record(self, operation):
        with self.lock:
            self.history.write(json.dumps(operation) + "\n")


class EventReader(threading.Thread):
    """Counts the terminal events of each job, before Redis trims them."""

    def __init__(self, world):
        super().__init__(name="events")
        self.world, self.ends, self.last, self.over = world, {}, b"0-0", threading.Event()

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
                if fields[b"to"].decode() in checker.TERMINAL:
                    job = fields[b"job"].decode()
                    self.ends[job] = self.ends.get(job, 0) + 1


class Nemesis:
    """A fault every 0.3 to 2.5 s. What is stopped goes on by itself, while others are struck."""

    def __init__(self, world, seed):
        self.world, self.random, self.done, self.stopped = world, random.Random(f"{seed}/nemesis"), {}, {}

    def pick(self):
        world = self.world
        kind = self.random.choices(["worker", "broker", "api", "redis"], [6, 3, 2, 1])[0]
        group = {"worker": world.workers, "broker": world.brokers, "api": world.apis, "redis": [world.redis]}[kind]
        return kind, self.random.choice(group)

    def strike(self):
        kind, one = self.pick()
        how = self.random.choices(["kill", "stop", "term"], [5, 4, 2])[0]
        if how == "stop":
            longest = {"worker": 14.0, "broker": 6.0, "api": 4.0, "redis": 2.5}[kind]
            one.send(signal.SIGSTOP)
            self.stopped[one] = time.monotonic() + self.random.uniform(0.2, longest)
        else:
            one.send(signal.SIGKILL if how == "kill" else signal.SIGTERM)
        name = f"{kind} {how}"
        self.done[name] = self.done.get(name, 0) + 1

    def run(self, seconds):
        end = time.monotonic() + seconds
        strike_at = 0
        while time.monotonic() < end:
            if time.monotonic() > strike_at:
                self.strike()
                strike_at = time.monotonic() + self.random.uniform(0.3, 2.5)
            self.go_on(time.monotonic())
            time.sleep(0.02)
        self.go_on(float("inf"))

    def go_on(self, now):
        for one in [one for one, until in self.stopped.items() if until <= now]:
            one.send(signal.SIGCONT)
            del self.stopped[one]


def quiet(store):
    """No job is on its way any more."""
    waiting = [f"{worlds.PREFIX}queue:{name}"
               for name in ("pending:interactive", "pending:bulk", "running", "delayed", "publishing")]
    try:
        return all(store.type(key) == b"none" for key in waiting)
    except (worlds.redis.RedisError, OSError):
        return False


def states(store, jobs):
    pipe = store.pipeline(transaction=False)
    for job in jobs:
        pipe.hget(f"{worlds.PREFIX}job:{job}", "state")
    return {job: state.decode() for job, state in zip(jobs, pipe.execute()) if state}


def run(options, folder, history):
    world = worlds.World(folder, pathlib.Path(options.programs))
    shared, reader = Shared(history), EventReader(world)
    clients = [Client(n, options.seed, world.urls(), shared) for n in range(options.clients)]
    nemesis = Nemesis(world, options.seed)
    try:
        world.start()
        if options.bug:
            bugs.seed(world.store(), options.bug)
        reader.start()
        for client in clients:
            client.start()
        nemesis.run(options.seconds)
        shared.over.set()
        for client in clients:
            client.join()
        store = world.store()
        end = time.monotonic() + 60
        while not quiet(store) and time.monotonic() < end:  # what has not ended by then counts as lost
            time.sleep(0.1)
        reader.wait_for(store)
    finally:
        shared.over.set()
        reader.over.set()
        for thread in [reader, *clients]:
            if thread.is_alive():
                thread.join()
        if world.redis.alive() and sys.exc_info()[0] is None:
            last = {"jobs": states(store, list(reader.ends)), "ends": reader.ends,
                    "fsck": [str(problem) for problem in worlds.fsck(store)],
                    "images": worlds.images(store)}
            history.write(json.dumps(last) + "\n")
        world.stop()
    return nemesis.done


def one_run(options):
    """(faults found, figures)"""
    with tempfile.TemporaryDirectory(prefix="vultus-n-") as folder:
        path = options.history or pathlib.Path(folder, "history.jsonl")
        with open(path, "w") as history:
            strikes = run(options, folder, history)
        with open(path) as history:
            faults, figures = checker.check([json.loads(line) for line in history])
        if faults and not options.bug and not options.history:
            kept = pathlib.Path(tempfile.gettempdir(), f"vultus-nemesis-{options.seed}.jsonl")
            kept.write_bytes(path.read_bytes())
            print(f"history: {kept}")
    figures.update(seed=options.seed, seconds=options.seconds, strikes=sum(strikes.values()), strikes_by_kind=strikes)
    return faults, figures


def prove(options):
    """Every seeded bug must be noticed, as what it is."""
    missed = 0
    for name, (signs, _) in bugs.BUGS.items():
        options.bug, begin = name, time.monotonic()
        faults, figures = one_run(options)
        said = {what for what, _ in faults}
        missed += not said & signs
        print(f"{'caught' if said & signs else 'MISSED'} in {time.monotonic() - begin:.0f} s: {name}"
              f" ({len(faults)} faults in {figures['operations']} operations: {', '.join(sorted(said)) or 'none'})",
              flush=True)
    print(f"nemesis: {len(bugs.BUGS) - missed} of {len(bugs.BUGS)} seeded bugs caught")
    return 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(prog="./test nemesis")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--programs", default=str(worlds.ROOT / "build/e2e/bin"))
    parser.add_argument("--history", type=pathlib.Path)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--prove", action="store_true", help="a run with each seeded bug of bugs.py")
    options = parser.parse_args()
    options.bug = None
    if options.prove:
        return prove(options)
    faults, figures = one_run(options)
    if not options.json:
        for what, where in faults[:10]:
            print(f"{what}: {json.dumps(where)[:600]}")
    figures.update(ran_on())
    print(json.dumps(figures))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
