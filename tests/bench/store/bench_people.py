#!/usr/bin/env python3
"""People in one collection: pages, search, look-up, and the index of data of an older version.

    ./test bench people [--json] [--people 100000] [--times 20]

Each figure is the median of --times calls over HTTP on one connection, in ms: first_page (100 people), prefix (100 people with a word that
begins so), external_id, person (by person_id). redis_*: the processor time of Redis for the same call. index_s: from the moment when
nobody has a record to the last one; per 100,000 people (index_per_100k_s).
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / part) for part in ("tests/bench", "tests/e2e", "tests/e2e/data")]
import conftest  # noqa: E402
from ran_on import ran_on  # noqa: E402
from test_people_index import fill, make_older  # noqa: E402

WANTED = {"first_page_ms": 20, "prefix_ms": 20, "external_id_ms": 20, "person_ms": 20, "redis_first_page_ms": 5, "redis_prefix_ms": 5,
          "redis_person_ms": 5, "index_per_100k_s": 60}


def over_http(service, times, path="/api/people", **query):
    """The median in ms, and the last answer."""
    taken = []
    with requests.Session() as http:
        for _ in range(times):
            begin = time.perf_counter()
            answer = http.get(service.url + path, params=query, timeout=30)
            taken.append(1000 * (time.perf_counter() - begin))
            assert answer.status_code == 200, answer.text
    return statistics.median(taken), answer.json()


def in_redis(store, times, name, *words):
    """ms of Redis for a call of this function, on average."""
    store.config_resetstat()
    for _ in range(times):
        store.fcall_ro(f"vultus1_{name}", 1, conftest.PREFIX, *words)
    return store.info("commandstats")["cmdstat_fcall_ro"]["usec_per_call"] / 1000


def measure(people, times):
    found = {"people": people}
    with conftest.running(workers=0) as service:
        store = service.redis()
        fill(store, "default", people)
        begin = time.monotonic()
        make_older(store, "default")
        conftest.wait_until(lambda: not store.exists(f"{conftest.PREFIX}unindexed"), 600, "the index")
        found["index_s"] = time.monotonic() - begin
        found["index_per_100k_s"] = found["index_s"] * 100_000 / people
        found["first_page_ms"], page = over_http(service, times, page_size=100)
        person = page["people"][0]["person_id"]
        found["prefix_ms"], _ = over_http(service, times, q="ann", page_size=100)
        changed = service.call("PATCH", f"/api/people/{person}", json={"external_id": "crm 1"})
        assert changed.status_code == 200, changed.text
        found["external_id_ms"], told = over_http(service, times, external_id="crm 1")
        assert [one["person_id"] for one in told["people"]] == [person], told
        found["person_ms"], _ = over_http(service, times, f"/api/people/{person}")
        found["redis_first_page_ms"] = in_redis(store, times, "people", "default", "", "", "100", "pictures")
        found["redis_prefix_ms"] = in_redis(store, times, "people", "default", "ann", "", "100")
        found["redis_person_ms"] = in_redis(store, times, "person", "default", "id", person)
    return {name: round(value, 2) for name, value in found.items()}


def main():
    parser = argparse.ArgumentParser(prog="./test bench people")
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--people", type=int, default=100_000, help="a multiple of 200")
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    found = measure(options.people, options.times)
    if not options.json:
        for name, value in found.items():
            print(f"{name:22} {value:10} {f'at most {WANTED[name]}' if name in WANTED else ''}")
    missed = [name for name, most in WANTED.items() if found[name] > most]
    print(json.dumps({**found, "missed": missed, **ran_on()}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
