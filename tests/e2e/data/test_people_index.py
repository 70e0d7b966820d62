"""Data of before people had records: indexed beside the running service, whole after each kill of the broker; and how long
pages, searches and look-ups take among 100,000 people."""
import os
import random
import signal
import struct
import time

import requests
from conftest import PREFIX, running, wait_until

PEOPLE, A_CALL = 100_000, 200
WORDS = "anna maria jose li wei omar fatima john emma noah zoe ada".split()


def fill(store, collection, people=PEOPLE):
    """One face of each, as an older version left them: no records, no index."""
    chance = random.Random(7)
    vector, pipe = struct.pack("<128f", *[1 / 128 ** 0.5] * 128), store.pipeline(transaction=False)
    for begin in range(0, people, A_CALL):
        words = []
        for number in range(begin, begin + A_CALL):
            job, label = f"01936a3e-7f10-7b01-a3c4-{number:012x}", f"{chance.choice(WORDS)} {chance.choice(WORDS)}{number}"
            words += [f"{job}-0", label, f'{{"label":"{label}","job_id":"{job}"}}', vector]
        pipe.fcall("vultus1_restore", 1, PREFIX, collection, "dlib_resnet_v1/mirror_unit", *words)
        if begin % 20_000 == 0:
            assert all(answer[0] == b"ok" for answer in pipe.execute())
    assert all(answer[0] == b"ok" for answer in pipe.execute())


def make_older(store, collection):
    """At once: the broker indexes whatever it finds."""
    pipe = store.pipeline(transaction=True)
    for part in ("people", "person_ids", "externals", "names"):
        pipe.delete(f"{PREFIX}gallery:{collection}:1:{part}")
    pipe.delete(f"{PREFIX}people_index", f"{PREFIX}unindexed")
    pipe.hdel(f"{PREFIX}gallery:{collection}", "people_cursor")
    pipe.hincrby(f"{PREFIX}gallery:{collection}", "people_turn", 1)  # what a broker has read is void
    pipe.fcall("vultus1_open", 1, PREFIX, "1")
    pipe.execute()


def records(store):
    return store.hlen(f"{PREFIX}gallery:default:1:people")


def quickly(service, seconds, times=20, **query):
    """The median of how long the call takes, end to end."""
    with requests.Session() as http:
        taken = []
        for _ in range(times):
            begin = time.monotonic()
            answer = http.get(f"{service.url}/api/people", params=query, timeout=10)
            taken.append(time.monotonic() - begin)
            assert answer.status_code == 200, answer.text
    median = sorted(taken)[times // 2]
    print(f"{query}: {median * 1000:.1f} ms")
    assert median <= seconds, taken
    return answer.json()["people"]


def redis_ms(store, name, *words):
    store.config_resetstat()
    for _ in range(20):
        store.fcall_ro(f"vultus1_{name}", 1, PREFIX, *words)
    found = store.info("commandstats")["cmdstat_fcall_ro"]
    print(f"redis {name} {words}: {found['usec_per_call'] / 1000:.2f} ms")
    return found["usec_per_call"] / 1000


def test_a_hundred_thousand_people_are_indexed_through_ten_kills():
    with running(workers=0) as service:
        store = service.redis()
        fill(store, "default")
        make_older(store, "default")
        refused = service.call("GET", "/api/people", params={"q": "anna"})
        assert refused.status_code == 503 and refused.json()["type"] == "/problems/migrating", refused.text
        assert int(refused.headers["Retry-After"]) >= 1
        assert service.call("GET", "/api/faces").json()["people_total"] == PEOPLE, "names are read meanwhile"
        for kill in range(10):
            before = records(store)
            wait_until(lambda: records(store) > before + 500 or not store.exists(f"{PREFIX}unindexed"))
            for pid in service.pids("vultus-broker"):
                os.kill(pid, signal.SIGKILL)
            if kill == 4:  # it reads every entry, so once in between
                assert service.fsck() == []
        wait_until(lambda: not store.exists(f"{PREFIX}unindexed"), 60, "the index")
        assert records(store) == PEOPLE and service.fsck() == []
        assert store.hlen(f"{PREFIX}gallery:default:1:person_ids") == PEOPLE
        one = quickly(service, 0.020, page_size=100)[0]
        assert quickly(service, 0.020, q="ann")
        assert service.call("PATCH", f"/api/people/{one['person_id']}", json={"external_id": "crm 1"}).status_code == 200
        assert quickly(service, 0.020, external_id="crm 1")[0]["name"] == one["name"]
        assert redis_ms(store, "people", "default", "", "", "100", "pictures") <= 5
        assert redis_ms(store, "people", "default", "ann", "", "100") <= 5
        assert redis_ms(store, "person", "default", "id", one["person_id"]) <= 5


def test_the_index_of_a_hundred_thousand_takes_less_than_a_minute():
    with running(workers=0) as service:
        store = service.redis()
        fill(store, "default")
        make_older(store, "default")
        begin = time.monotonic()
        wait_until(lambda: not store.exists(f"{PREFIX}unindexed"), 90, "the index")
        taken = time.monotonic() - begin
        print(f"{PEOPLE} people in {taken:.1f} s")
        assert taken <= 60 and records(store) == PEOPLE
