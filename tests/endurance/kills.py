#!/usr/bin/env python3
"""Redis is killed again and again while 16 clients accept and complete jobs; after each start everything that was
acknowledged must be there.

    ./test endure kills [--kills 1000] [--seed 1]

Ten clients accept by the functions that Redis runs, four complete jobs as workers do, two go through the api; a broker's
timers run too. A kill is SIGKILL at a random moment under load. Every 10th falls into a rewrite of the append-only file
(slowed, under load) or comes right after one, and another 10th leaves half a command or half a transaction at the end of
the file. After each start: every accepted job is there with its photo, every completed one with its result, no job is there
that nobody sent, and fsck finds nothing.
"""
import hashlib
import random
import sys
import tempfile
import time

import rules
import world as worlds
from queue_clients import Accepting, Book, Finishing, OverHttp, P
from redis_alone import HALF_A_COMMAND, HALF_A_TRANSACTION, Store

ACCEPTING, FINISHING, OVER_HTTP = 10, 4, 2
SHORT = 32 << 20  # bytes of the append-only file beyond which it is rewritten, or most of the time goes into loading
WAITS = {b"pending", b"running"}


class Kills:
    def __init__(self, world, options, verdict):
        self.world, self.verdict, self.chance = world, verdict, random.Random(options.seed)
        self.store, self.book = Store(world.redis, world.folder / "redis", world.socket), Book()
        kinds = [Accepting] * ACCEPTING + [Finishing] * FINISHING
        self.clients = [kind(n, self.store, self.book, options.seed) for n, kind in enumerate(kinds)]
        self.clients += [OverHttp(100 + n, self.store, self.book, options.seed, world.urls()[0])
                         for n in range(OVER_HTTP)]
        self.figures = verdict.figures
        self.figures.update(kills=0, accepted=0, accepted_http=0, completed=0, lost=0, doubled=0, torn_tails=0,
                            rewrites_killed=0, rewrites_done=0, start_s_max=0.0, fsck=0)

    def start(self):
        self.world.start_links()
        self.store.start()
        for one in (*self.world.brokers, *self.world.apis):
            one.start()
        worlds.wait_until(self.world.ready, 30, f"the api (logs: {self.world.folder}/log)")
        for client in self.clients:
            client.start()

    def all_rest(self):
        for client in self.clients:
            client.may.clear()
        for client in self.clients:
            self.verdict.rule(client.rests.wait(30), f"{client.name} hangs")

    def load(self, number):
        """Until the moment of the kill: every kind of client was answered at least once since the start."""
        before = {client: client.done for client in self.clients}
        for client in self.clients:
            client.may.set()

        def each_kind_works():
            return all(any(client.done > before[client] for client in self.clients if isinstance(client, kind))
                       for kind in (Accepting, Finishing, OverHttp))
        worlds.wait_until(each_kind_works, 30, "an answer to each kind of client")
        if number % 20 in (9, 19):
            self.rewrite(wait=number % 20 == 19)
        time.sleep(self.chance.uniform(0, 0.15))

    def rewrite(self, wait, delay_us=300):
        """Of the append-only file. 0.3 ms a key, so that a kill can fall into it."""
        connection = self.store.connection()
        connection.config_set("rdb-key-save-delay", delay_us)
        connection.bgrewriteaof()

        def ended():
            return not connection.info("persistence")["aof_rewrite_in_progress"]
        if wait:
            worlds.wait_until(ended, 60, "the rewrite")
            self.figures["rewrites_done"] += connection.info("persistence")["aof_last_bgrewrite_status"] == "ok"
        else:
            self.figures["rewrites_killed"] += not ended()

    def cycle(self, number):
        self.load(number)
        self.store.kill()
        self.all_rest()
        if number % 10 == 4:
            self.store.tear(HALF_A_COMMAND if number % 20 == 4 else HALF_A_TRANSACTION)
            self.figures["torn_tails"] += 1
        took = self.store.start()
        self.figures["kills"] += 1
        self.figures["start_s_max"] = max(self.figures["start_s_max"], round(took, 2))
        self.check()
        self.remove()

    def check(self):
        """Against what the clients were told."""
        connection = self.store.connection(30)
        self.all_sent_by_somebody(connection)
        jobs = list(self.book.accepted)
        pipe = connection.pipeline(transaction=False)
        for job in jobs:
            pipe.hmget(f"{P}job:{job}", "state", "result")
            pipe.get(f"{P}job:{job}:image:0")
        found = pipe.execute()
        for job, (state, result), image in zip(jobs, found[::2], found[1::2]):
            finished = self.book.finished.get(job)
            whole = image is not None and hashlib.sha256(image).digest() == self.book.accepted[job]
            right = state == b"succeeded" if finished or state not in WAITS else whole
            right = right and finished in (None, result)
            self.figures["lost"] += not right
            self.verdict.rule(right, f"job {job} was accepted{' and completed' if finished else ''}; now {state},"
                                     f" photo {'whole' if whole else 'not'}")
        self.figures["completed"] += len(self.book.finished)
        self.figures["accepted"] += len(jobs)
        wrong = worlds.fsck(connection)
        self.figures["fsck"] += len(wrong)
        self.verdict.rule(not wrong, f"fsck: {wrong[:3]}")

    def all_sent_by_somebody(self, connection):
        """A request to the api whose answer is missing may have made one job that nobody knows yet."""
        there = {id_.decode() for id_ in connection.zrange(f"{P}queue:all", 0, -1)}
        strangers = there - self.book.sent
        open_ = sum(1 for client in self.clients if isinstance(client, OverHttp) and client.again)
        self.figures["doubled"] += max(0, len(strangers) - open_)
        self.verdict.rule(len(strangers) <= open_, f"{len(strangers)} jobs that nobody sent, {open_} answers missing")

    def remove(self):
        """The accepted jobs, so that the file stays short."""
        connection = self.store.connection(30)
        pipe = connection.pipeline(transaction=False)
        for client in self.clients:
            if isinstance(client, Finishing):
                pipe.fcall("vultus1_bye", 1, P, client.worker)
        for job in self.book.accepted:
            pipe.fcall("vultus1_cancel", 1, P, job)
            pipe.fcall("vultus1_delete", 1, P, job)
        pipe.execute()
        self.book.turn_page()
        if self.store.kept_bytes() > SHORT:
            self.rewrite(wait=True, delay_us=0)

    def last(self):
        """Nothing is on its way any more: every job is one that somebody sent, and the sums agree."""
        for client in self.clients:
            client.last = True
            client.may.set()
        for client in self.clients:
            self.verdict.rule(client.rests.wait(30), f"{client.name}: the last answer is missing")
        for client in self.clients:
            client.join()
            for what in client.wrong:
                self.verdict.rule(False, f"{client.name}: {what}")
        self.figures["accepted_http"] = sum(client.done for client in self.clients[-OVER_HTTP:])
        self.check()
        self.remove()


def run(options, verdict):
    with tempfile.TemporaryDirectory(prefix="vultus-k-") as folder:
        world = worlds.World(folder, options.programs, brokers=1, apis=1, workers=0)
        kills = Kills(world, options, verdict)
        try:
            kills.start()
            for number in range(options.kills):
                kills.cycle(number)
                if (number + 1) % 50 == 0:
                    verdict.say(f"{number + 1} kills: {verdict.figures}; {kills.store.kept_bytes() >> 20} MB kept")
            kills.last()
        finally:
            world.stop()


if __name__ == "__main__":
    sys.exit(rules.main("kills", __doc__, run, kills=1000, seed=1))
