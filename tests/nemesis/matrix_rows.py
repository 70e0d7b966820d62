"""The rows of the crash matrix: what dies, while what is done, and how long that may take ("Failures" in
shared/README.md). A bound is what the service promises, in seconds; the matrix allows for a busy machine beside it.
"""
import dataclasses

CHANGES = ("forget", "clear", "rename")
EVERY_CHANGE = CHANGES + ("merge", "delete", "retention")  # retention: nobody asks for it, a broker's timer does it
STORED = ("recognize", "train")
ALL = STORED + CHANGES
VERIFY = ("verify", "verify_direct")  # of a person
MANY = STORED + ("forget", "clear")  # what can be done several times at once
KILL, EXIT, STOP, DELAY, DROP = "kill", "exit", "stop:15000", "delay:3000", "drop"

# By action: a worker's, a broker's or an api's death, exit, 15 s of silence, 3 s of delay, loss of all connections.
# A worker that is killed is missed at once (1.5 s); one that is frozen after three heartbeats (3.5 s). A change waits for
# a frozen worker until its registration lapses (10.5 s), as does a job for a lease that nobody sent (10.5 s). While Redis'
# disk is full (2 s) or slow (8 s) a broker may not hear what it leased: then that time and a lease.
WORKER = {KILL: 1.5, EXIT: 1.5, STOP: 3.5, DELAY: 3.5, DROP: 3.5}
HOLDER = {KILL: 1.5, EXIT: 1.5, STOP: 10.5, DELAY: 3.5, DROP: 3.5}
BROKER = {KILL: 3.0, EXIT: 3.0, STOP: 3.5, DELAY: 3.5, DROP: 3.5}
LEASED = {KILL: 10.5, EXIT: 10.5, STOP: 15.5, DELAY: 3.5, DROP: 10.5}
API = {KILL: 1.0, EXIT: 1.0, STOP: 15.5, DELAY: 3.5, DROP: 3.5}


@dataclasses.dataclass
class Row:
    what: str                   # who dies, in words
    operations: tuple
    bounds: dict                # action: seconds
    point: str = ""             # failpoint that the action is laid at
    scene: str = ""             # else: name of a method of Scene
    warm: bool = False          # a worker holds the gallery before
    burst: int = 1              # how many at once, so that whoever is struck has one in hand


ROWS = [
    Row("api, before it accepts", ALL + ("merge", "delete"), API, "api.before_accept"),
    Row("api, accepted but not answered", ALL + ("merge", "delete"), API, "api.after_accept"),
    Row("api, before it answers", ALL + ("direct",), API, "api.before_reply"),
    Row("broker, between lease and JOB", STORED, LEASED, "broker.after_lease"),
    Row("broker, before it sends JOB", STORED, LEASED, "broker.before_send"),
    Row("broker, in reap", ALL + ("direct",), BROKER, "broker.in_reap"),
    Row("broker, in the barrier", ("train",) + EVERY_CHANGE, BROKER, "broker.in_barrier", warm=True),
    Row("worker, JOB in hand", STORED, WORKER, "worker.after_job"),
    Row("worker, photo seen", STORED + ("direct",), WORKER, "worker.mid_job"),
    Row("worker, before the network", STORED + ("direct",), WORKER, "worker.before_compute"),
    Row("worker, between match and answer", ("recognize", "direct"), WORKER, "worker.after_match"),
    Row("worker, before its commit", STORED, WORKER, "worker.before_commit"),
    Row("worker, committed but not said", STORED, HOLDER, "worker.after_commit"),
    Row("worker, before DONE", STORED, HOLDER, "worker.before_done"),
    Row("worker, in a gallery's load", ("recognize", "direct"), WORKER, "worker.in_gallery_load"),
    Row("worker, gallery not announced", ("recognize", "direct"), WORKER, "worker.before_hello"),
    Row("worker, behind a change", ("train",) + EVERY_CHANGE, HOLDER, "worker.before_hello", warm=True),
    Row("worker, announced but not served", ("recognize", "direct"), WORKER, "worker.after_hello"),
    Row("worker, change not in use yet", ("train",) + EVERY_CHANGE, HOLDER, "worker.after_hello", warm=True),
    Row("worker, embedding a room again", ("reembed",), WORKER, "worker.mid_reembed"),
    Row("worker, embedded, not exchanged", ("reembed",), WORKER, "worker.before_swap"),
    Row("worker, exchanged but not said", ("reembed",), HOLDER, "worker.after_swap"),
    Row("api, verify accepted, not answered", ("verify",), API, "api.after_accept"),
    Row("api, verify not answered yet", VERIFY, API, "api.before_reply"),
    Row("worker, verify before the network", VERIFY, WORKER, "worker.before_compute"),
    Row("worker, verify matched, not answered", VERIFY, WORKER, "worker.after_match"),
    Row("worker, verify before its commit", ("verify",), WORKER, "worker.before_commit"),
    Row("api, new model accepted, not answered", ("reembed",), API, "api.after_accept"),
    Row("both brokers, SUBMIT lost", ALL, {KILL: 3.0}, scene="brokers_gone"),
    Row("worker, hangs in the network", STORED, {"delay:60000": 15.5}, "worker.before_compute"),
    Row("photo that kills its workers", ("recognize",), {KILL: 8.0}, scene="poison"),
    Row("decoder of each worker, under photos", STORED + ("direct",), {KILL: 1.5}, scene="decoders_killed"),
    Row("worker, cut off from Redis", STORED, {"hold": 10.5, DROP: 3.5}, scene="worker_without_redis", burst=8),
    Row("worker, cut off from the broker", STORED, {"hold": 3.5, DROP: 3.5}, scene="worker_without_broker", burst=8),
    Row("api, cut off from Redis", MANY, {"hold": 5.5, DROP: 1.0}, scene="api_without_redis", burst=8),
    Row("Redis", MANY, {KILL: 11.0}, scene="redis_killed", burst=8),
    # One alone: who deletes what another has deleted is told that it is not there.
    Row("Redis, one delete", ("delete",), {KILL: 11.0}, scene="redis_killed"),
    Row("Redis, one change of the model", ("reembed",), {KILL: 11.0}, scene="redis_killed"),
    Row("Redis, memory full", ALL, {"2 s": 4.0}, scene="memory_full"),
    Row("Redis, disk full", ALL, {"2 s": 13.0}, scene="disk_full"),
    Row("Redis, disk slow", ALL, {"1 s a sync": 19.0}, scene="disk_slow"),
    Row("Redis, clock set back", STORED, {"30 s": 3.5}, scene="clock_back"),
    Row("Redis, clock set forward", STORED, {"30 s": 3.5}, scene="clock_forward"),
    Row("SIGTERM: api", MANY, {"term": 2.0}, scene="term_api", burst=8),
    Row("SIGTERM: broker", STORED, {"term": 3.0}, scene="term_broker", burst=8),
    Row("SIGTERM: worker", STORED, {"term": 2.0}, scene="term_worker", burst=8),
]
