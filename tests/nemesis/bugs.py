"""Faults seeded on purpose into the functions that Redis runs: each takes away one thing that a promise stands on. The
nemesis must notice every one of them, or its silence about the real code means nothing.
"""
# name: (what the nemesis should say, [(text of the library, what stands there instead)])
BUGS = {
    "no attempt check: a late commit counts again": ({"ended more than once", "fsck"}, [
        ("    if same and j.state == 'running' then return nil end\n", "    if j then return nil end\n")]),
    "no fence: an answer older than a removal is stored": ({"stale answer", "version goes back"}, [
        ("    if version < gallery.fence(g, j.min_version) or version > g.version then\n",
         "    if version > g.version then\n"),
        ("    return math.max(g.removed_version, tonumber(min_version))\n", "    return 0\n")]),
    "no order: a train that was accepted before a clear comes back after it": ({"stale answer"}, [
        ("    local label = change.replay(j.collection, j.mseq, j.label)\n", "    local label = j.label\n")]),
    "news by hint only: no fence, no barrier, no version that an answer must have": (
        {"stale answer", "forgotten face"}, [
            ("    if version < gallery.fence(g, j.min_version) or version > g.version then\n",
             "    if version > g.version then\n"),
            ("    return math.max(g.removed_version, tonumber(min_version))\n", "    return 0\n"),
            ("    local min_version = int(gallery.read(collection).version)\n", "    local min_version = 0\n"),
            ("    local lowest = lowest_held(collection)\n", "    local lowest = math.huge\n")]),
    "an idempotency key is not kept": ({"two jobs of one key", "more jobs than operations"}, [
        ("    redis.call('SET', key.idempotency(hash), id .. ' ' .. fingerprint, 'PX', idempotency_ms)\n", "")]),
    "a loss in company counts as a crash of the job": ({"failed"}, [
        ("    if counts and j.solo == '1' and j.started == j.attempt then\n", "    if true then\n"),
        ("        if crashes >= limits.crashes_max then\n", "        if crashes >= 1 then\n")]),
    "what a lost worker had in hand stays there": ({"lost"}, [
        ("        if j and j.state == 'running' then\n            local state = job.lose",
         "        if false then\n            local state = job.lose")]),
}


def seed(store, name):
    """Puts the library with that bug in the place of the right one, which all processes go on calling."""
    library = store.function_list(library="vultus1", withcode=True)[0]
    text = library[library.index(b"library_code") + 1].decode()
    for right, wrong in BUGS[name][1]:
        if right not in text:
            raise SystemExit(f"the library has changed; the bug is not in it: {name}")
        text = text.replace(right, wrong)
    store.function_load(text, replace=True)
