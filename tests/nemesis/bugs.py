"""Faults seeded on purpose, each taking away one thing that a promise stands on. The nemesis must notice every one of
them, or its silence about the real code means nothing. Most are in the functions that Redis runs, as changes of their
text; some are in the programs (VULTUS_SEEDED_BUG, shared/base/failpoint.hpp).
"""
import dataclasses


@dataclasses.dataclass
class Bug:
    signs: set                      # what the checker may call it
    plan: dict                      # faults that bring it out, for Nemesis
    text: list = ()                 # (text of the library, what stands there instead)
    program: str = ""               # name for VULTUS_SEEDED_BUG
    redis: tuple = ()               # options of Redis
    pause: tuple = (0.2, 1.0)
    hold: tuple = None
    actions: list = None            # (failpoint, action)
    look_ms: int = 25               # how long a worker looks at a photo
    down: float = 0.5               # seconds that Redis stays down
    clients: int = 12
    rooms: int = 3
    mix: tuple = None               # weights of what a client does, for Client


NO_FENCE = [("    if version < gallery.fence(g, j.min_version) or version > g.version then\n",
             "    if version > g.version then\n"),
            ("    return math.max(g.removed_version, tonumber(min_version))\n", "    return 0\n")]
NO_BARRIER = [("    local holders, lowest = holders_of(collection)\n",
               "    local holders, lowest = holders_of(collection)\n    lowest = math.huge\n")]

BUGS = {
    "everysec": Bug(  # appendfsync everysec is accepted
        {"lost", "failed", "forgotten face", "version goes back", "stale answer", "no terminal event"},
        {"slow disk": 3, "redis kill": 2}, program="store.any_settings", redis=("--appendfsync", "everysec")),
    "no-attempt": Bug(  # a late commit counts again
        {"ended more than once", "fsck"}, {"worker stop": 1}, hold=(3.5, 6.0),
        text=[("    if same and j.state == 'running' then return nil end\n", "    if j then return nil end\n")]),
    "pop-then-add": Bug(  # a lease takes the job from the line, and only the worker's `started` writes it down
        {"lost"}, {"worker kill": 3, "broker kill": 2, "failpoint": 2},
        actions=[("broker.after_lease", "kill"), ("broker.before_send", "kill"), ("worker.after_job", "kill")],
        text=[("    redis.call('ZADD', key.queue('running'), j.at, id)\n"
               "    redis.call('SADD', key.worker_running(j.worker), id)\n", ""),
              ("            redis.call('HSET', key.job(a[i]), 'started', a[i + 1])\n",
               "            redis.call('HSET', key.job(a[i]), 'started', a[i + 1])\n"
               "            redis.call('ZADD', key.queue('running'), now + 10000, a[i])\n"
               "            redis.call('SADD', key.worker_running(a[1]), a[i])\n")]),
    "hint-only": Bug(  # no fence, no barrier, no version that an answer must have
        {"stored behind a removal", "stale answer", "forgotten face", "version goes back"},
        # Met by an answer of a worker that reads a change late. A delay before it says what it serves makes that window long;
        # a short look puts the match into it, and the fewer changes there are, the more answers have one right name.
        {"failpoint": 4, "worker cut broker": 1, "worker stop": 1, "broker kill": 1}, pause=(0.5, 1.5), hold=(0.5, 2.0),
        actions=[("worker.before_hello", "delay:1500")], look_ms=5, rooms=2, mix=(64, 6, 17, 11, 1, 1),
        text=NO_FENCE + NO_BARRIER + [
            ("    local min_version = int(g.version)\n", "    local min_version = 0\n")]),
    "no-fence": Bug(  # an answer older than a removal is stored
        {"stored behind a removal", "stale answer", "version goes back", "forgotten face"},
        {"worker stop": 2, "failpoint": 4}, hold=(0.5, 3.0),
        # Few rooms and few changes: most answers have one right name, and a removal comes while a worker stands still.
        actions=[("worker.before_commit", "stop:2500"), ("worker.after_match", "stop:2500")], look_ms=5, rooms=2,
        mix=(64, 6, 17, 11, 1, 1), text=NO_FENCE),
    "no-order": Bug(  # a train that was accepted before a clear comes back after it
        {"stale answer"}, {"worker kill": 2, "worker stop": 2}, hold=(0.5, 3.0), look_ms=60,
        text=[("    local label, fold = change.replay(j.collection, j.mseq, j.label, p.fold)\n",
               "    local label, fold = j.label, p.fold\n")]),
    "no-barrier": Bug(  # a change does not wait for slow workers
        {"a worker was behind"}, {"worker stop": 1}, hold=(1.0, 3.0), text=NO_BARRIER),
    "no-grace": Bug(  # leases that lapsed while Redis was down count as crashes of their jobs
        {"a crash was counted though no worker was harmed"}, {"redis kill": 1}, pause=(13.0, 15.0), down=11.0,
        look_ms=1_500, clients=24,
        text=[("    if until_ms > now then return until_ms end\n", ""),
              ("        return ended > graced and ended <= now\n", "        return ended <= now\n")]),
    "late-key": Bug(  # the idempotency key is written after the accept, with the lease
        {"two jobs of one key", "more jobs than operations"}, {"failpoint": 4, "api kill": 1}, look_ms=200, clients=24,
        actions=[("api.after_accept", "kill")],
        text=[("    redis.call('SET', key.idempotency(hash), id .. ' ' .. fingerprint)\n",
               "    redis.call('HSET', key.job(id), 'late', hash .. ' ' .. id .. ' ' .. fingerprint)\n"),
              ("    redis.call('HDEL', key.job(id), 'started')\n    job.move(id, j, 'running', 'lease')\n",
               "    redis.call('HDEL', key.job(id), 'started')\n    job.move(id, j, 'running', 'lease')\n"
               "    local late = redis.call('HGET', key.job(id), 'late')\n"
               "    if late then\n"
               "        redis.call('SET', key.idempotency(string.sub(late, 1, 64)), string.sub(late, 66))\n"
               "    end\n")]),
    "no-last-look": Bug(  # a direct answer is sent without a look at the removed version
        {"stale answer"}, {"failpoint": 1}, program="api.no_last_look", pause=(1.5, 2.0),
        actions=[("api.before_reply", "delay:1500")], clients=64, rooms=1, mix=(6, 76, 12, 2, 4)),
    "by-less": Bug(  # versions are compared by size alone, though a deleted collection has version 0
        {"stale answer"}, {"failpoint": 1}, program="gallery.by_less", pause=(1.5, 2.0),
        actions=[("api.before_reply", "delay:1500")], clients=64, rooms=4, mix=(2, 82, 8, 0, 0, 8)),
    "no-event-fence": Bug(  # an event names whom an answer named, though they were removed before it is sent
        {"removed name in an event"}, {"failpoint": 1}, program="api.no_event_fence", pause=(1.5, 2.0),
        actions=[("api.before_event", "delay:1500")], clients=48, rooms=1, mix=(60, 0, 12, 22, 6)),
    "no-bound": Bug(  # a worker repeats a step at once and without end, here where the store refuses each result of a room
        {"a step was repeated without end"}, {"worker stop": 1}, program="worker.no_bound", pause=(3.0, 5.0), hold=(0.2, 0.5),
        text=[("    if version < gallery.fence(g, j.min_version) or version > g.version then\n",
               "    if j.collection == 'room-0' or version < gallery.fence(g, j.min_version) or version > g.version then\n")]),
    "rename-onto-train": Bug(  # a rename does not see the trains that will bring the new name
        {"renamed to a name that was taken"}, {"worker stop": 1}, pause=(3.0, 5.0), hold=(0.2, 0.5), look_ms=400, rooms=2,
        mix=(0, 0, 36, 20, 4, 0, 34, 6),
        text=[("    local id, taken = people.id_in(from), change.is_awaited(g.collection, name) and from ~= name\n",
               "    local id, taken = people.id_in(from), false\n")]),
    "removed-stays-staged": Bug(  # who is removed while the room gets another model keeps the new vector
        {"fsck", "failed", "stale answer"}, {"failpoint": 1}, pause=(0.3, 0.8), rooms=2, mix=(40, 10, 24, 14, 1, 0, 0, 0, 0, 0, 0, 12),
        actions=[("worker.before_swap", "delay:700"), ("worker.mid_reembed", "delay:700")], look_ms=5,
        text=[("    if g.staging_job then redis.call('HDEL', part(g, 'staged'), unpack(ids)) end\n", "")]),
    "swap-too-early": Bug(  # the models change although somebody who was trained meanwhile is not embedded again
        {"fsck", "forgotten face", "failed"}, {"failpoint": 1}, pause=(0.3, 0.8), rooms=2, mix=(40, 10, 30, 8, 1, 0, 0, 0, 0, 0, 0, 12),
        actions=[("worker.before_swap", "delay:700")], look_ms=5,
        text=[("    if missing ~= 0 then return {'missing', int(missing)} end\n", "")]),
    "old-model-named": Bug(  # new vectors, but the room still says that it has the old model
        {"answered by another model", "failed", "fsck", "forgotten face", "wrong name"}, {"worker stop": 1}, hold=(0.2, 0.5), rooms=2,
        mix=(40, 20, 24, 4, 1, 0, 0, 0, 0, 0, 0, 12), look_ms=5,
        text=[("    gallery.store_model(g, g.staging_model, stored(g.staging_dimension))\n    gallery.end_staging(g)\n",
               "    gallery.end_staging(g)\n")]),
    "defaults-again": Bug(  # each worker that registers decides the defaults of the service anew
        {"defaults changed"}, {"worker kill": 1},
        text=[("    if there then return there, false end\n", "    if there and not detectors then return there, false end\n")]),
    "one-name": Bug(  # people of one name are one person
        {"another person", "data of a person", "person lost", "forgotten person"}, {"worker kill": 1}, look_ms=5,
        text=[("        label = label or people.key_for(name, person)\n",
               "        label = label or name\n")]),
    "lost-data": Bug(  # a later train of a person makes the record anew
        {"data of a person"}, {"worker kill": 1}, look_ms=5,
        text=[("    if before then return r.id end\n", "    if r then r.data = nil end\n")]),
    "company": Bug(  # a loss in company counts as a crash of the job
        {"failed"}, {"worker kill": 1},
        text=[("    if counts and j.solo == '1' and j.started == j.attempt then\n", "    if true then\n"),
              ("        if crashes >= limits.crashes_max then\n", "        if crashes >= 1 then\n")]),
    "forgotten-worker": Bug(  # what a lost worker had in hand stays there
        {"lost"}, {"worker kill": 1},
        text=[("        if j and j.state == 'running' and (not worker or j.worker == worker) then\n"
               "            local state = job.lose",
               "        if false then\n            local state = job.lose")]),
}


def changed(text, name):
    """The text of the library with that bug in the place of the right lines."""
    for right, wrong in BUGS[name].text:
        if text.count(right) != 1:
            raise ValueError(f"the library has changed; the bug is not in it: {name}: {right}")
        text = text.replace(right, wrong)
    return text


def seed(store, name):
    """Puts the library with that bug in the place of the right one, which all processes go on calling."""
    library = store.function_list(library="vultus1", withcode=True)[0]
    store.function_load(changed(library[library.index(b"library_code") + 1].decode(), name), replace=True)
