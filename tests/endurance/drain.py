#!/usr/bin/env python3
"""Every process is told to stop and started again while clients work, as in an upgrade: nobody is failed, nothing is lost.

    ./test endure drain [--rounds 10] [--clients 8]

Two apis, two brokers, two workers, one Redis. Clients are what a load balancer and a good client are together: they use
an api whose /healthz/ready says yes (asked every 50 ms), wait as long as a Retry-After says, and repeat a request whose
answer is missing with the same Idempotency-Key. Half of the requests are queued jobs, half are answered at once. One
round is SIGTERM to each process in turn, its exit code 0, its start, and readiness; then SIGKILL to each broker. The functions in Redis are upgraded under
the same load: a newer minor version replaces the library and is not replaced back by a program that starts with an older
one, another major version stands beside it.
Rules: no answer but 200, 202 and 503 with Retry-After; none at all but 200 and 202 while an api drains; no connection
that breaks; no answer after more than 20 s; every answer right; every accepted job succeeded, and one for each key; fsck empty.
"""
import contextlib
import io
import random
import re
import signal
import sys
import tempfile
import threading
import time
import uuid

import requests
import rules
import world as worlds
from PIL import Image

PROBE = 0.05
LONGEST_S = 20  # Prefer: wait is 10 s; a photo that is lost with its broker must not be waited for (30 s)


def photo():
    out = io.BytesIO()
    Image.new("RGB", (96, 96), (112, 32, 192)).save(out, "PNG")
    return out.getvalue()


class Probe(threading.Thread):
    """Which apis say that they are ready: the load balancer."""

    def __init__(self, urls):
        super().__init__(daemon=True)
        self.urls, self.ready, self.over = urls, set(), threading.Event()

    def run(self):
        http = requests.Session()
        while not self.over.wait(PROBE):
            for url in self.urls:
                with contextlib.suppress(requests.RequestException):
                    if http.get(f"{url}/healthz/ready", timeout=2).status_code == 200:
                        self.ready.add(url)
                        continue
                self.ready.discard(url)


class Caller(threading.Thread):
    def __init__(self, number, probe, verdict, picture):
        super().__init__(daemon=True)
        self.probe, self.verdict, self.picture, self.chance = probe, verdict, picture, random.Random(number)
        self.http, self.over = requests.Session(), threading.Event()
        self.answered, self.sent_away, self.broken, self.longest, self.jobs = 0, 0, 0, 0.0, {}
        self.last = ""

    def run(self):
        while not self.over.is_set():
            self.one(direct=self.chance.random() < 0.5)

    def one(self, direct):
        key, give_up = str(uuid.uuid4()), time.monotonic() + 60
        query = "?durable=false" if direct else ""
        headers = {"Content-Type": "image/png", **({} if direct else {"Idempotency-Key": key, "Prefer": "wait=10"})}
        while time.monotonic() < give_up:
            url = self.chance.choice(sorted(self.probe.ready or self.probe.urls))
            begin = time.monotonic()
            try:
                answer = self.http.post(f"{url}/api/recognize{query}", data=self.picture, headers=headers, timeout=40)
            except requests.RequestException as why:
                self.broken += 1
                self.verdict.say(f"broken: {str(why)[:150]}")
                continue
            finally:
                self.longest = max(self.longest, time.monotonic() - begin)
            if answer.status_code == 503 and "Retry-After" in answer.headers:
                self.sent_away += 1
                self.last = answer.text[:200]
                time.sleep(float(answer.headers["Retry-After"]))
                continue
            if not self.verdict.rule(answer.status_code in (200, 202), f"{answer.status_code} {answer.text[:200]}"):
                return
            return self.right(answer.json(), direct, key)
        self.verdict.rule(False, f"not accepted within 60 s; the last answer was {self.last}")

    def right(self, said, direct, key):
        self.answered += 1
        if not direct:
            self.jobs.setdefault(key, set()).add(said["id"])
            if said["state"] != "succeeded":
                return  # looked at in the end
        result = said if direct else said["result"]
        names = [face["label"] for face in result["faces"]]
        self.verdict.rule(names == ["Ada"], f"{names}, not Ada")


class Restarts:
    def __init__(self, world, options, verdict):
        self.world, self.verdict, self.rounds, picture = world, verdict, options.rounds, photo()
        self.probe = Probe(world.urls())
        self.callers = [Caller(n, self.probe, verdict, picture) for n in range(options.clients)]
        self.by_kind = {}

    def sums(self):
        return {what: sum(getattr(one, what) for one in self.callers) for what in ("answered", "sent_away", "broken")}

    def reason(self):
        return next((one.last for one in self.callers if one.last), "nothing")

    def start(self):
        self.world.start_links()
        for one in self.world.all:
            one.start()
        worlds.wait_until(self.world.ready, 60, f"the service (logs: {self.world.folder}/log)")
        taught = requests.post(f"{self.world.urls()[0]}/api/train", data={"name": "Ada"}, files={"file": photo()},
                               headers={"Prefer": "wait=30"}, timeout=60)
        assert taught.json()["state"] == "succeeded", taught.text
        self.probe.start()
        worlds.wait_until(lambda: len(self.probe.ready) == len(self.probe.urls), 60, "the probe")
        for caller in self.callers:
            caller.start()

    def works(self, least):
        """So many answers from now on."""
        before = self.sums()["answered"]
        worlds.wait_until(lambda: self.sums()["answered"] >= before + least, 60, f"{least} answers")

    def restart(self, one, how=signal.SIGTERM):
        kind, before = one.name.split("-")[0], self.sums()
        one.send(how)
        code = one.process.wait(60)
        self.verdict.rule(code == (0 if how == signal.SIGTERM else -how), f"{one.name} ended with {code}")
        if kind != "redis":
            self.works(5)  # without it
        one.start()
        worlds.wait_until(self.world.ready, 60, f"{one.name} to be ready")
        self.works(10)
        worlds.wait_until(lambda: len(self.probe.ready) == len(self.probe.urls), 60, "the probe")
        after = self.sums()
        sent_away, broken = (after[what] - before[what] for what in ("sent_away", "broken"))
        what = kind if how == signal.SIGTERM else f"{kind} killed"
        row = self.by_kind.setdefault(what, {"restarts": 0, "answered": 0, "sent_away": 0, "broken": 0})
        row["restarts"] += 1
        for what in ("answered", "sent_away", "broken"):
            row[what] += after[what] - before[what]
        self.verdict.rule(broken == 0, f"{one.name}: {broken} connections broke")
        if kind != "redis":
            self.verdict.rule(sent_away == 0, f"{one.name}: {sent_away} answers 503, as {self.reason()}")

    def upgrade(self):
        """Of the functions, while all old programs go on."""
        store = self.world.store()
        library = store.function_list(library="vultus1", withcode=True)[0]
        text = library[library.index(b"library_code") + 1].decode()
        newer = re.sub(r"(library = {major = 1), minor = \d+}", r"\1, minor = 77}", text)
        other = newer.replace("#!lua name=vultus1", "#!lua name=vultus2").replace("'vultus1_'", "'vultus2_'")
        other = other.replace("library = {major = 1,", "library = {major = 2,")
        store.function_load(other)
        store.function_load(newer, replace=True)
        self.works(20)
        for one in (self.world.brokers[0], self.world.apis[0], self.world.workers[0]):
            self.restart(one)
        versions = {name: store.fcall_ro(f"{name}_about", 1, worlds.PREFIX) for name in ("vultus1", "vultus2")}
        self.verdict.rule(versions == {"vultus1": [b"ok", b"1", b"77"], "vultus2": [b"ok", b"2", b"77"]},
                          f"libraries after restarts: {versions}")

    def end(self):
        for caller in self.callers:
            caller.over.set()
        for caller in self.callers:
            caller.join()
        self.probe.over.set()
        store = self.world.store()
        jobs = {key: ids for caller in self.callers for key, ids in caller.jobs.items()}
        self.verdict.rule(all(len(ids) == 1 for ids in jobs.values()), "a key has two jobs")
        ids = [job for one in jobs.values() for job in one]

        def open_jobs():
            pipe = store.pipeline(transaction=False)
            for job in ids:
                pipe.hget(f"{worlds.PREFIX}job:{job}", "state")
            return [job for job, state in zip(ids, pipe.execute()) if state != b"succeeded"]
        with contextlib.suppress(AssertionError):
            worlds.wait_until(lambda: not open_jobs(), 30)
        lost = open_jobs()
        self.verdict.rule(not lost, f"{len(lost)} accepted jobs did not succeed: {lost[:3]}")
        wrong = worlds.fsck(store)
        self.verdict.rule(not wrong, f"fsck: {wrong[:3]}")
        longest = max(caller.longest for caller in self.callers)
        self.verdict.rule(longest < LONGEST_S, f"an answer took {longest:.1f} s")
        self.verdict.figures.update(longest_s=round(longest, 1), restarts=self.by_kind, jobs=len(ids), lost=len(lost), **self.sums())


def run(options, verdict):
    with tempfile.TemporaryDirectory(prefix="vultus-d-") as folder:
        world = worlds.World(folder, options.programs, brokers=2, apis=2, workers=2)
        restarts = Restarts(world, options, verdict)
        try:
            restarts.start()
            for number in range(options.rounds):
                for one in (*world.apis, *world.brokers, *world.workers, world.redis):
                    restarts.restart(one)
                for one in world.brokers:
                    restarts.restart(one, signal.SIGKILL)
                verdict.say(f"round {number + 1}: {restarts.by_kind}")
            restarts.upgrade()
            restarts.end()
        finally:
            for caller in restarts.callers:
                caller.over.set()
            world.stop()


if __name__ == "__main__":
    sys.exit(rules.main("drain", __doc__, run, rounds=10, clients=8))
