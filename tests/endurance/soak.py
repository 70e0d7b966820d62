#!/usr/bin/env python3
"""The same small life a thousand times: nothing may grow.

    ./test endure soak [--rounds 1000]

A round trains a face, has it recognised (queued and at once), clears, and has it not recognised; it reads the job, its
events, the lists and the metrics. Photos of 12 sizes, 8 collections of which a worker may hold 4, so that galleries come
and go. Every 10 rounds the second worker is restarted, by SIGTERM and SIGKILL in turn; the first lives all along. Redis
keeps 20 finished jobs, and its stream of events is full from the beginning, so what should be constant is constant.
Rules: answers right, fsck empty, descriptors and threads and Redis' keys do not grow; from 500 rounds on also: memory of
each process and the rewritten append-only file grow by less than 1 MB in 1,000 rounds.
"""
import io
import random
import signal
import sys
import tempfile
import uuid

import requests
import rules
import world as worlds
from PIL import Image

SIZES = (64, 80, 96, 120, 160, 200, 240, 320, 400, 640, 960, 1280)
EVENTS = 101_000  # shared/store/functions/00_library.lua keeps about 100,000
MB_PER_1000 = 1.0


def photo(chance):
    """One colour, which the nemesis' worker takes for a face."""
    colour, side = tuple(chance.choice((32, 112, 192)) for _ in range(3)), chance.choice(SIZES)
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "PNG")
    return out.getvalue()


class Life:
    def __init__(self, world, options, verdict):
        self.world, self.verdict, self.rounds, self.points = world, verdict, options.rounds, {}
        self.http, self.chance, self.url = requests.Session(), random.Random(1), world.urls()[0]
        self.watched = {"redis": world.redis, "broker": world.brokers[0], "api": world.apis[0],
                        "worker": world.workers[0]}
        world.brokers[0].command += ["--set", "broker.finished_jobs_max=20"]
        for worker in world.workers:
            worker.command += ["--set", "worker.collections_loaded_max=4"]

    def fill_events(self):
        """Before anybody reads them: the stream is as long as it will ever be."""
        store = self.world.store()
        for _ in range(EVENTS // 1_000):
            pipe = store.pipeline(transaction=False)
            for _ in range(1_000):
                pipe.xadd(f"{worlds.PREFIX}events", {"job": str(uuid.uuid4()), "from": "running", "to": "succeeded",
                                                     "attempt": "1", "why": "complete", "worker": str(uuid.uuid4())})
            pipe.execute()

    def call(self, method, path, **more):
        answer = self.http.request(method, self.url + path, timeout=60, **more)
        self.verdict.rule(answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        return answer

    def finished(self, path, **more):
        """A job, waited for to its end; a restarted worker may take longer than one wait."""
        answer = self.http.request("POST", self.url + path, timeout=60, headers={"Prefer": "wait=30"}, **more)
        job = answer.json()
        while answer.status_code == 202 or (answer.ok and job["state"] not in ("succeeded", "failed", "dead")):
            answer = self.call("GET", f"/api/jobs/{job['id']}?wait=30")
            job = answer.json()
        self.verdict.rule(job.get("state") == "succeeded", f"{path}: {str(job)[:200]}")
        return job

    def names(self, result):
        return [face["label"] if face["status"] == "known" else face["status"] for face in result["faces"]]

    def direct(self, room, picture):
        """Repeated as Retry-After says: the restarted worker may have been the one that had it."""
        for _ in range(10):
            answer = self.http.post(f"{self.url}/api/recognize", timeout=60, files={"file": picture},
                                    params={"collection": room, "durable": "false"})
            if answer.status_code != 503:
                break
        self.verdict.rule(answer.status_code == 200, f"recognize: {answer.status_code} {answer.text[:200]}")
        return answer.json()

    def round(self, number):
        room, person, picture = f"room-{number % 8}", f"person {number}", photo(self.chance)
        where = {"params": {"collection": room}}
        self.finished("/api/train", data={"name": person, "collection": room}, files={"file": picture})
        job = self.finished("/api/recognize", files={"file": picture}, **where)
        said = self.names(job["result"]) + self.names(self.direct(room, picture))
        self.verdict.rule(said == [person] * 2, f"round {number}: {said}, not {person}")
        self.call("GET", f"/api/jobs/{job['id']}/events")
        for path in ("/api/jobs?page_size=20", f"/api/faces?collection={room}", "/api/status", "/metrics"):
            self.call("GET", path)
        self.finished("/api/clear", **where)
        said = self.names(self.finished("/api/recognize", files={"file": picture}, **where)["result"])
        said += self.names(self.direct(room, picture))
        self.verdict.rule(said == ["unknown"] * 2, f"round {number}: {said} after clear")

    def restart_worker(self, number):
        one = self.world.workers[1]
        one.send(signal.SIGTERM if number % 20 == 0 else signal.SIGKILL)
        one.process.wait(60)
        one.start()

    def sample(self, number):
        store = self.world.store()
        worlds.wait_until(lambda: store.zcard(f"{worlds.PREFIX}queue:done") <= 20, 60, "the collection of old jobs")
        store.bgrewriteaof()
        worlds.wait_until(lambda: store.info("persistence")["aof_rewrite_in_progress"] == 0 and
                          store.info("persistence")["aof_rewrite_scheduled"] == 0, 60, "the rewrite")
        now = {"redis keys": store.dbsize(), "redis workers": store.zcard(f"{worlds.PREFIX}workers"),
               "aof_kb": store.info("persistence")["aof_current_size"] / 1024}
        for name, process in self.watched.items():
            now.update({f"{name} {what}": value for what, value in rules.has(process.process.pid).items()})
        for what, value in now.items():
            self.points.setdefault(what, []).append((number, value))
        self.verdict.say(f"round {number}: " + ", ".join(f"{what} {value:.0f}" for what, value in now.items()))

    def judge(self):
        """The first fifth is for caches and arenas to fill."""
        slopes = self.verdict.figures["per_1000_rounds"] = {}
        for what, points in self.points.items():
            settled = [point for point in points if point[0] >= self.rounds / 5] or points
            slopes[what] = round(1_000 * rules.slope(settled), 2)
            grown = settled[-1][1] - settled[0][1]
            if what.endswith("_kb"):
                if self.rounds >= 500:
                    self.verdict.rule(slopes[what] < 1_024 * MB_PER_1000, f"{what} grows {slopes[what]} in 1,000 rounds")
            else:  # jobs, registrations and connections come and go; a leak is one a round or one a restart
                self.verdict.rule(grown <= max(8, self.rounds / 40), f"{what} grew from {settled[0]} to {settled[-1]}")


def run(options, verdict):
    with tempfile.TemporaryDirectory(prefix="vultus-o-") as folder:
        world = worlds.World(folder, options.programs, brokers=1, apis=1, workers=2)
        life = Life(world, options, verdict)
        try:
            world.start_links()
            world.redis.start()
            worlds.wait_until(lambda: world.socket.exists(), 30, "Redis")
            life.fill_events()
            for one in world.all[1:]:
                one.start()
            worlds.wait_until(world.ready, 60, f"the service (logs: {folder}/log)")
            for number in range(options.rounds):
                life.round(number)
                if number % 10 == 9:
                    life.restart_worker(number + 1)
                if number % max(4, options.rounds // 20) == 0:
                    life.sample(number)
            life.sample(options.rounds)
            wrong = worlds.fsck(world.store())
            verdict.rule(not wrong, f"fsck: {wrong[:3]}")
            life.judge()
            verdict.figures.update(rounds=options.rounds)
        finally:
            world.stop()


if __name__ == "__main__":
    sys.exit(rules.main("soak", __doc__, run, rounds=1000))
