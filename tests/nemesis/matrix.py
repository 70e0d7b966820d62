#!/usr/bin/env python3
"""The crash matrix: each row of "Failures" x each operation x each action, one after the other in worlds of their own.

    ./test matrix [--short] [--worlds 6] [--only TEXT] [--repeat N] [--json]

--short: the first action of each row only; that is what ./test runs. For each case: the operation ends as it should within
the bound, with one terminal event and the right answer, fsck finds nothing, and no photo is left behind. A failpoint that
nobody reached is a fault of the case.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import queue
import signal
import sys
import tempfile
import threading
import time
import uuid

import checker
import requests
import world as worlds
from clients import call_of
from matrix_rows import ROWS
from ran_on import ran_on

PATIENCE = 45  # seconds until a case is given up
RENAMED = "another name"
OTHER = "person 2"  # into whom a merge goes
RETENTION = 6       # seconds until a broker looks whom nobody saw
DIRECT = ("direct", "verify_direct")  # answered at once, without a job
MIDDLE = 0.05  # seconds after which a burst of operations is in hand
BUSY = 6       # seconds that a busy machine may add to a bound


class Fault(Exception):
    pass


class Asker:
    """A client that retries as it should: with a key, and as long as it takes."""

    def __init__(self, world, room):
        self.world, self.room, self.turn = world, room, 0

    def ask(self, method, path, key=None, **more):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.turn += 1
            url = self.world.urls()[self.turn % len(self.world.ports)] + path
            with contextlib.suppress(requests.RequestException):
                answer = requests.request(method, url, timeout=20, headers={"Idempotency-Key": key} if key else {}, **more)
                if answer.status_code not in (503, 429):
                    if answer.status_code not in (200, 202):
                        raise Fault(f"{answer.status_code} {answer.text[:200]}")
                    return answer.json()
            time.sleep(0.05)
        raise Fault("no answer")

    def begin(self, operation, person):
        """The job as accepted, or a direct answer."""
        to = OTHER if operation == "merge" else self.other_model() if operation == "reembed" else RENAMED
        method, path, body = call_of(operation, self.room, person, to)
        return self.ask(method, path, None if operation in DIRECT else str(uuid.uuid4()), **body)

    def model(self):
        return self.ask("GET", f"/api/collections/{self.room}/model")["embedding_model"]

    def other_model(self):
        return next(one for one in worlds.MODELS if one != self.model())

    def end(self, job):
        while job["state"] not in checker.TERMINAL:
            job = self.ask("GET", f"/api/jobs/{job['id']}", params={"wait": 5})
        return job

    def do(self, operation, person="person 0"):
        """What a job or a direct request ended with."""
        if operation == "retention":
            return self.retention(person)
        begun = self.begin(operation, person)
        if operation in DIRECT:
            return {"id": None, "state": "succeeded", "result": begun}
        return self.end(begun)


    def retention(self, person):
        """Nobody is seen for a millisecond: the job with which the service forgets the person, at its end."""
        store = self.world.store()
        store.fcall("vultus1_set_retention", 1, worlds.PREFIX, self.room, 1, "matrix")

        def forgotten():
            for job in store.zrevrange(f"{worlds.PREFIX}queue:all", 0, 200):
                what = store.hmget(f"{worlds.PREFIX}job:{job.decode()}", "type", "collection", "client")
                if what == [b"forget", self.room.encode(), b"retention"]:
                    return job.decode()
            return None
        job = worlds.wait_until(forgotten, PATIENCE, f"that {person} is forgotten")
        return self.end(self.ask("GET", f"/api/jobs/{job}"))


class Scene:
    """One case in a world: what is done to it around an operation."""

    def __init__(self, world, row, operation, action):
        self.world, self.row, self.operation, self.action = world, row, operation, action
        self.asker = Asker(world, f"room-{uuid.uuid4().hex[:12]}")
        self.person = "person 1" if operation == "train" else "person 0"

    def play(self):
        """Seconds that the operation took."""
        if self.asker.do("train")["state"] != "succeeded":
            raise Fault("no train before it")
        if self.operation == "merge" and self.asker.do("train", OTHER)["state"] != "succeeded":
            raise Fault("no train of the other before it")
        if self.operation == "reembed":
            self.wanted_model = self.asker.other_model()
        if self.row.warm:
            for _ in range(4):
                self.asker.do("recognize")
        if self.row.point:
            self.world.lay(self.row.point, self.action)
        with self.luck() or contextlib.nullcontext():
            begin = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(self.row.burst) as pool:
                jobs = list(pool.map(lambda _: self.asker.do(self.operation, self.person), range(self.row.burst)))
            took = time.monotonic() - begin
        for job in jobs:
            self.judge(job)
        if self.row.point:  # a broker's duties come round by themselves
            worlds.wait_until(lambda: self.row.point not in self.world.laid(), 5, "that somebody reaches the failpoint")
        return took

    def luck(self):
        return getattr(self, self.row.scene)() if self.row.scene else None

    def judge(self, job):
        state = "dead" if self.row.scene == "poison" else "succeeded"
        if job["state"] != state:
            raise Fault(f"{job['state']}: {json.dumps(job.get('error'))}")
        if self.operation in ("recognize", "direct") and state == "succeeded" and worlds.names(job["result"]) != [self.person]:
            raise Fault(f"said {worlds.names(job['result'])}")
        if self.operation.startswith("verify"):
            said = job["result"]
            if not said["same"] or said["person"]["label"] != self.person or said["person"]["faces"] < 1:
                raise Fault(f"said {said}")
        if state == "dead" and self.world.store().fcall("vultus1_delete", 1, worlds.PREFIX, job["id"]) != [b"ok"]:
            raise Fault("it cannot be deleted")
        for way in ("recognize", "direct"):
            after = worlds.names(self.asker.do(way, self.person)["result"])
            wanted = {"forget": "unknown", "clear": "unknown", "delete": "unknown", "retention": "unknown",
                      "rename": RENAMED, "merge": OTHER}
            if after != [wanted.get(self.operation, self.person)]:
                raise Fault(f"{way} said {after} afterwards")
            if self.operation == "reembed" and self.asker.model() != self.wanted_model:
                raise Fault(f"the model is {self.asker.model()}")
        if job["id"] is not None:
            ends = [fields for _, fields in self.world.store().xrange(f"{worlds.PREFIX}events")
                    if fields[b"job"].decode() == job["id"] and fields[b"to"].decode() in checker.TERMINAL]
            if len(ends) != 1:
                raise Fault(f"{len(ends)} terminal events")

    # ---- scenes without a failpoint: what is struck before or in the middle of it -----------------------------------

    @contextlib.contextmanager
    def later(self, seconds, undo):
        timer = threading.Timer(seconds, undo)
        timer.start()
        try:
            yield
        finally:
            timer.join()

    def brokers_gone(self):
        for broker in self.world.brokers:
            broker.send(signal.SIGKILL)

    @contextlib.contextmanager
    def poison(self):
        """Whoever sees this photo dies, four times: once in company, three times alone. Then nobody sees it any more."""
        over = threading.Event()

        def lay():
            while not over.wait(0.02):
                if not self.world.laid():
                    self.world.lay("worker.mid_job", self.action)
        thread = threading.Thread(target=lay)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.world.take_up()

    def decoders_killed(self):
        """Those that there are stop first, so that the photo is in one of them when it ends."""
        pids = [pid for worker in self.world.workers for pid in self.world.decoders(worker)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

        def kill():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return self.later(MIDDLE, kill)

    def cut(self, group, link, seconds):
        if self.action != "hold":
            for one in group:
                self.world.cut(one.name, link, "drop")
            return None
        self.world.cut(group[0].name, link, "hold")
        return self.later(seconds, lambda: self.world.cut(group[0].name, link, "go"))

    def worker_without_redis(self):
        return self.cut(self.world.workers, "redis", 14)

    def worker_without_broker(self):
        return self.cut(self.world.workers, "broker", 8)

    def api_without_redis(self):
        return self.cut(self.world.apis, "redis", 5)

    def soon(self, one, number):
        return self.later(MIDDLE, lambda: one.send(number))

    def redis_killed(self):
        return self.soon(self.world.redis, signal.SIGKILL)

    def memory_full(self):
        return self.later(2, self.world.fill_memory())

    def misfortune(self, seconds, **what):
        self.world.bad_luck(**what)
        return self.later(seconds, self.world.bad_luck)

    def disk_full(self):
        return self.misfortune(2, disk_full=1)

    def disk_slow(self):
        return self.misfortune(8, fsync_ms=1_000)

    def clock_back(self):
        return self.misfortune(8, clock_ms=-30_000)

    def clock_forward(self):
        return self.misfortune(8, clock_ms=30_000)

    def term_api(self):
        return self.soon(self.world.apis[0], signal.SIGTERM)

    def term_broker(self):
        return self.soon(self.world.brokers[0], signal.SIGTERM)

    def term_worker(self):
        return self.soon(self.world.workers[0], signal.SIGTERM)


def settled(world):
    """All processes are back, and nothing is on its way."""
    if any(one.stopped() for one in world.all):
        return False
    store = world.store()
    with contextlib.suppress(worlds.redis.RedisError, OSError):
        return world.ready() and not worlds.images(store) and not store.zcard(f"{worlds.PREFIX}queue:publishing")
    return False


def one_case(world, row, operation, action):
    """(seconds, what is wrong or "")"""
    took = None
    try:
        took = Scene(world, row, operation, action).play()
        worlds.wait_until(lambda: settled(world), PATIENCE, "everything back")
        problems = worlds.fsck(world.store())
        if problems:
            raise Fault(f"fsck: {problems[0]}")
        if took > row.bounds[action] + BUSY + (RETENTION if operation == "retention" else 0):
            raise Fault("too late")
    except (Fault, AssertionError, worlds.redis.RedisError, KeyError) as why:
        world.take_up()
        world.bad_luck()
        return took, str(why) or repr(why)
    return took, ""


def play_all(programs, cases, results):
    """Plays cases until there are none, in a world of its own."""
    with tempfile.TemporaryDirectory(prefix="vultus-m-") as folder:
        world = worlds.World(folder, programs, workers=2, two_models=True)
        try:
            world.start()
            with contextlib.suppress(queue.Empty):
                while True:
                    number, case = cases.get_nowait()
                    results.append((number, case, *one_case(world, *case)))
        finally:
            world.stop()
            for line in world.complaints():
                results.append((-1, None, None, line))


def print_table(chosen, results):
    print(f"{'who dies':36} {'action':12} {'operation':10} {'median':>6} {'most':>6} {'bound':>6}")
    for number, (row, operation, action) in enumerate(chosen):
        times = sorted(one[2] for one in results if one[0] == number and one[2] is not None)
        middle, most = (times[len(times) // 2], times[-1]) if times else (float("nan"), float("nan"))
        said = {one[3]: None for one in results if one[0] == number and one[3]}
        print(f"{row.what:36} {action:12} {operation:10} {middle:6.2f} {most:6.2f} {row.bounds[action]:6.1f}"
              f"  {' · '.join(said)}")
    for _, case, _, wrong in results:
        if case is None:
            print(wrong)


def main():
    parser = argparse.ArgumentParser(prog="./test matrix")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--worlds", type=int, default=6)
    parser.add_argument("--only", default="", help="rows with this text")
    parser.add_argument("--repeat", type=int, default=1, help="each case so often; the largest time is shown")
    parser.add_argument("--programs", type=pathlib.Path, default=worlds.ROOT / "build/e2e/bin")
    parser.add_argument("--json", action="store_true", help="only the last line")
    options = parser.parse_args()
    cases, results = queue.Queue(), []
    chosen = [(row, operation, action) for row in ROWS if options.only in f"{row.what} {row.point}"
              for action in list(row.bounds)[:1 if options.short else None] for operation in row.operations]
    # The longest first, so that no world is left with them at the end.
    for number, case in sorted(enumerate(chosen), key=lambda one: -one[1][0].bounds[one[1][2]]):
        for _ in range(options.repeat):
            cases.put((number, case))
    begin = time.monotonic()
    threads = [threading.Thread(target=play_all, args=(options.programs, cases, results))
               for _ in range(min(options.worlds, len(chosen)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not options.json:
        print_table(chosen, results)
    wrong = sum(1 for one in results if one[3])
    played = [one for one in results if one[1]]
    over = sum(took is not None and took > row.bounds[action] for _, (row, _, action), took, _ in played)
    missing = len(chosen) * options.repeat - len(played)
    print(json.dumps({"cases": len(chosen), "played": len(played), "wrong": wrong, "not_played": missing,
                      "over_bound": over, "seconds": round(time.monotonic() - begin), **ran_on()}))
    return 1 if wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main())
