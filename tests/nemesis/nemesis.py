#!/usr/bin/env python3
"""Kills, stops, cuts off and restarts everything while clients work, and then asks whether anything was lost, done
twice, or said after it was forgotten.

    ./test nemesis [--seconds 60] [--seed 1] [--clients 12] [--history FILE] [--json]
    ./test nemesis --prove [BUG ...]      each seeded bug of bugs.py must be noticed, within 5 minutes
    ./test nemesis --control [BUG ...]    the same faults without the bugs: silence (--seconds: how long each, default 40)

Two apis, two brokers, four workers, one Redis (appendfsync always). The code is the shipped one; the workers see a photo
of one colour as one face (nemesis_worker.cpp). clients.py works and keeps a history, faults.py strikes, checker.py says
what must hold of a history. The last line is one JSON object: strikes, jobs accepted, answers, how many of those only one
answer was right for, faults found. Exit code 1 if there is one.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import time

import bugs
import checker
import kept as kept_room
import namesakes
import world as worlds
from clients import Client, EventReader, Listener, Shared
from faults import LONGEST, Nemesis
from ran_on import ran_on

PROVE_SECONDS = (10, 20, 40, 60, 120)  # runs with a bug, until it is caught
CONTROL_SECONDS = 40


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
    """What was done to the service."""
    bug = options.bug
    seeded = bug if bug and not options.control else None
    environment = {"VULTUS_LOOK_MS": str(bug.look_ms if bug else 25)}
    if seeded and seeded.program:
        environment["VULTUS_SEEDED_BUG"] = seeded.program
    world = worlds.World(folder, options.programs, environment=environment,
                         redis_options=seeded.redis if seeded else (), two_models=True)
    shared = Shared(world, history, 20 if seeded else 60, bug.rooms if bug else 3,
                    bug.mix if bug else None)
    reader = EventReader(world)
    clients = [Client(n, options.seed, shared) for n in range(bug.clients if bug else options.clients)]
    owners = namesakes.owners(shared, options.seed)
    clients += [Listener(n, shared) for n in range(len(world.apis))]
    clients += owners
    more = {"plan": bug.plan, "pause": bug.pause, "hold": bug.hold, "actions": bug.actions} if bug else {}
    nemesis = Nemesis(world, options.seed, **more)
    world.redis.down = bug.down if bug else 0.5
    try:
        world.start()
        if seeded and seeded.text:
            bugs.seed(world.store(), options.name)
        kept_room.teach(shared, options.seed)
        first_defaults = worlds.defaults(world.store())
        reader.start()
        for client in clients:
            client.start()
        nemesis.run(options.seconds)
        shared.over.set()
        for client in clients:
            client.join()
        store = world.store()
        end = time.monotonic() + shared.patience
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
            harmed = any(what.startswith(("worker", "decoder", "failpoint")) for what in nemesis.done)
            stopped = bug is None and any(what.startswith(("api", "failpoint")) for what in nemesis.done)
            last = {"jobs": states(store, list(reader.ends)), "ends": reader.ends, "order": reader.order,
                    "fsck": [str(problem) for problem in worlds.fsck(store)] + world.complaints(),
                    "images": worlds.images(store), "workers_harmed": harmed, "erased": kept_room.erased(store),
                    "defaults": [first_defaults, worlds.defaults(store)],
                    "namesakes": namesakes.heard_by(owners),
                    **{name: int(store.hget(f"{worlds.PREFIX}stats", name) or 0)
                       for name in ("crashed", "old_version", "leased")},
                    "reply_s": 1.0 + (LONGEST["api"] if stopped else 0.0), "strikes": nemesis.done}
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
        if faults and (options.control or not options.bug) and not options.history:
            kept = pathlib.Path(tempfile.gettempdir(), f"vultus-nemesis-{options.seed}.jsonl")
            kept.write_bytes(path.read_bytes())
            print(f"history: {kept}", file=sys.stderr)
    figures.update(seed=options.seed, seconds=options.seconds, strikes=sum(strikes.values()), strikes_by_kind=strikes)
    return faults, figures


def prove(options, names):
    """Every seeded bug must be noticed, as what it is; without it, the same faults must be met in silence."""
    failed, operations, begin, given = 0, 0, time.monotonic(), options.seconds
    for options.name in names:
        options.bug, began = bugs.BUGS[options.name], time.monotonic()
        for options.seconds in [given or CONTROL_SECONDS] if options.control else PROVE_SECONDS:
            faults, figures = one_run(options)
            operations += figures["operations"]
            said = {what for what, _ in faults}
            caught = bool(said) if options.control else bool(said & options.bug.signs)
            if caught:
                break
        failed += caught == options.control
        verdict = ("FALSE ALARM" if caught else "silent") if options.control else ("caught" if caught else "MISSED")
        print(f"{verdict} after {time.monotonic() - began:.0f} s: {options.name} ({len(faults)} faults in"
              f" {figures['operations']} operations: {', '.join(sorted(said)) or 'none'})", flush=True)
        if options.control:
            for what, where in faults[:3]:
                print(f"    {what}: {json.dumps(where)[:400]}")
    what = "plans of faults met in silence" if options.control else "seeded bugs caught"
    print(f"nemesis: {len(names) - failed} of {len(names)} {what}")
    print(json.dumps({"right": len(names) - failed, "of": len(names), "operations": operations, "seed": options.seed,
                      "seconds": round(time.monotonic() - begin), **ran_on()}))
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(prog="./test nemesis")
    parser.add_argument("--seconds", type=float, help="default 60")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--programs", type=pathlib.Path, default=worlds.ROOT / "build/e2e/bin")
    parser.add_argument("--history", type=pathlib.Path)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--prove", nargs="*", metavar="BUG", choices=list(bugs.BUGS), help="runs with a seeded bug each")
    parser.add_argument("--control", nargs="*", metavar="BUG", choices=list(bugs.BUGS),
                        help="the same faults without the bug")
    options = parser.parse_args()
    proving = options.control if options.control is not None else options.prove
    options.bug, options.control = None, options.control is not None
    if proving is not None:
        return prove(options, proving or list(bugs.BUGS))
    options.seconds = options.seconds or 60
    faults, figures = one_run(options)
    if not options.json:
        for what, where in faults[:10]:
            print(f"{what}: {json.dumps(where)[:600]}")
    figures.update(ran_on())
    print(json.dumps(figures))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
