"""What the nemesis does to a running service. Each fault is one method; what it takes away it gives back by itself
after a while, so that a service that is right always comes through."""
import contextlib
import os
import random
import resource
import signal
import time

# How long a process may be stopped or cut off, in seconds: workers past their registration (8 s) and lease (10 s).
LONGEST = {"worker": 14.0, "broker": 6.0, "api": 4.0, "redis": 2.5}

FAILPOINTS = ("api.before_accept", "api.after_accept", "api.before_reply", "api.before_event", "api.before_set_person",
              "api.after_set_person", "broker.after_lease", "broker.before_send",
              "broker.in_reap", "broker.in_barrier", "worker.after_job", "worker.before_compute", "worker.mid_job",
              "worker.after_match", "worker.before_commit", "worker.after_commit", "worker.before_done",
              "worker.in_gallery_load", "worker.before_hello", "worker.after_hello", "worker.mid_reembed",
              "worker.before_swap", "worker.after_swap")

# Fault, and how often; "kind how" of a process, or one of the names below.
EVERYTHING = {
    "worker kill": 10, "worker stop": 8, "worker term": 4, "worker memory": 1, "worker cut redis": 4,
    "worker cut broker": 4, "broker kill": 6, "broker stop": 4, "broker term": 2, "api kill": 4, "api stop": 3,
    "api term": 2, "decoder kill": 8, "api cut redis": 2, "api cut broker": 2, "redis kill": 3, "redis stop": 2, "redis term": 1,
    "slow disk": 3, "full disk": 1, "full memory": 1, "clock step": 2, "clock leap": 2,
    "failpoint": 12,
}


class Nemesis:
    """plan: like EVERYTHING. pause: shortest and longest time between two faults. hold: in place of LONGEST, shortest
    and longest."""

    def __init__(self, world, seed, plan=None, pause=(0.3, 2.5), hold=None, actions=None):
        self.world, self.random, self.plan = world, random.Random(f"{seed}/nemesis"), plan or EVERYTHING
        self.pause, self.hold, self.actions = pause, hold, actions
        self.done, self.ends = {}, []

    def run(self, seconds):
        end = time.monotonic() + seconds
        strike_at = time.monotonic() + self.pause[0]
        while time.monotonic() < end:
            if time.monotonic() > strike_at:
                what = self.random.choices(list(self.plan), list(self.plan.values()))[0]
                if self.strike(what):
                    self.done[what] = self.done.get(what, 0) + 1
                strike_at = time.monotonic() + self.random.uniform(*self.pause)
            self.go_on(time.monotonic())
            time.sleep(0.02)
        self.go_on(float("inf"))
        self.world.take_up()

    def go_on(self, now):
        for one in [one for one in self.ends if one[0] <= now]:
            self.ends.remove(one)
            one[1]()

    def after(self, seconds, give_back):
        self.ends.append((time.monotonic() + seconds, give_back))

    def group(self, kind):
        world = self.world
        return {"worker": world.workers, "broker": world.brokers, "api": world.apis, "redis": [world.redis]}[kind]

    def time_of(self, kind):
        return self.random.uniform(*(self.hold or (0.2, LONGEST[kind])))

    def strike(self, what):
        """False if it could not be done now."""
        kind, _, how = what.partition(" ")
        if kind in LONGEST:
            one = self.random.choice(self.group(kind))
            verb, _, link = how.partition(" ")
            return getattr(self, verb)(kind, one, *([link] if link else [])) is not False
        return getattr(self, what.replace(" ", "_"))() is not False

    # ---- processes --------------------------------------------------------------------------------------------------

    def kill(self, kind, one):
        one.send(signal.SIGKILL)

    def term(self, kind, one):
        one.send(signal.SIGTERM)

    def stop(self, kind, one):
        one.send(signal.SIGSTOP)
        self.after(self.time_of(kind), lambda: one.send(signal.SIGCONT))

    def memory(self, kind, one):
        """No more than it has: the next large piece it asks for ends it."""
        if not one.alive():
            return False
        with open(f"/proc/{one.process.pid}/statm") as file:
            pages = int(file.read().split()[0])
        limit = pages * resource.getpagesize() + 2 ** 20
        _, most = resource.prlimit(one.process.pid, resource.RLIMIT_AS)  # stays, or the next time could only go below it
        resource.prlimit(one.process.pid, resource.RLIMIT_AS, (limit, most))

    def decoder_kill(self):
        """One of a worker's, or all of them: what is decoded there is decoded again."""
        found = self.world.decoders(self.random.choice(self.world.workers))
        if self.random.random() < 0.5:
            found = found[:1]
        for pid in found:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(pid, signal.SIGKILL)
        return bool(found)

    def cut(self, kind, one, link):
        how = self.random.choice(["hold", "drop"])
        self.world.cut(one.name, link, how)
        if how == "hold":
            self.after(self.time_of(kind), lambda: self.world.cut(one.name, link, "go"))

    # ---- Redis ------------------------------------------------------------------------------------------------------

    def slow_disk(self):
        self.world.bad_luck(fsync_ms=int(self.random.uniform(50, 2_000)))
        self.after(self.random.uniform(1, 4), self.world.bad_luck)

    def full_disk(self):
        self.world.bad_luck(disk_full=1)
        self.after(self.random.uniform(0.3, 2), self.world.bad_luck)

    def clock_step(self):
        self.world.bad_luck(clock_ms=int(self.random.uniform(-30_000, 30_000)))
        self.after(self.random.uniform(1, 15), self.world.bad_luck)

    def clock_leap(self):
        """By days to a year, and back after some seconds."""
        days = self.random.choice([-1, 1]) * self.random.uniform(4, 400)
        self.world.bad_luck(clock_ms=int(days * 24 * 3600 * 1000))
        self.after(self.random.uniform(5, 40), self.world.bad_luck)

    def full_memory(self):
        try:
            take_back = self.world.fill_memory()
        except Exception:  # it is down just now
            return False

        def give_back():
            try:
                take_back()
            except Exception:  # the next start has its own
                pass
        self.after(self.random.uniform(0.5, 3), give_back)

    # ---- failpoints -------------------------------------------------------------------------------------------------

    def failpoint(self):
        name, actions = self.random.choice(self.actions or [(name, None) for name in FAILPOINTS])
        kind = name.split(".")[0]
        ms = int(1_000 * self.time_of(kind))
        self.world.lay(name, actions or self.random.choice(["kill", "exit", f"stop:{ms}", f"delay:{min(ms, 3000)}",
                                                            "drop"]))
