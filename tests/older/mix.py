#!/usr/bin/env python3
"""`./test older`: apis, brokers and workers of an older version beside today's. docs/operations.md says that they are restarted
one after the other, so any of them may meet any other for a while; Redis holds today's functions from the first of today's
processes on. Each mix trains, recognizes and clears, stored, unstored and live, and every kind of worker in it has to serve.

    build/venv/bin/python tests/older/mix.py [NAME...]
"""
import itertools
import sys
import tempfile
import time
from concurrent import futures

from PIL import Image
from versions import OLDER, ROOT, TODAY, build_older, processes, wait_until

from conftest import jpeg, names
from live_client import Live

UNSTORED = {"durable": "false"}


def photos():
    found = {}
    for name in ("obama", "obama2", "biden"):
        picture = Image.open(ROOT / f"build/photos/{name}.jpg").convert("RGB")
        picture.thumbnail((640, 480))
        found[name] = jpeg(picture)
    return found


def unstored(one, photo, **form):
    answer = one.call("POST", "/api/recognize", files={"file": ("photo.jpg", photo)}, data={**UNSTORED, **form})
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    return names(answer.json())


def photos_of(one):
    """How many photos each worker has processed."""
    return {worker["worker_id"]: worker["load"]["photos"] for worker in one.call("GET", "/api/status").json()["workers"]}


def live(one, pictures):
    channel = Live(one.port)
    try:
        assert channel.receive()["type"] == "settings"
        for photo, name in (("obama2", "Barack"), ("biden", "Joe"), ("obama2", "Barack")):
            wait_until(lambda: named(channel.ask(pictures[photo])) == [name], 20, f"{name} live")
    finally:
        channel.close()


def named(answer):
    assert answer["type"] == "frame", answer
    return [face["label"] for face in answer["faces"]]


def served_by_each(one, pictures, workers):
    """Jobs until each worker has served one; all answers are right."""
    left, end = set(workers), time.monotonic() + 60
    while left:
        assert time.monotonic() < end, f"no job went to {left}"
        answers = [one.call("POST", "/api/recognize", files={"file": ("a.jpg", pictures["obama2"])}, data={"detector": detector})
                   for detector in ("hog", "cnn") * 2 * len(workers)]
        for answer in answers:
            job = one.finish(answer.json())
            assert job["state"] == "succeeded" and names(job["result"]) == ["Barack"], job
            left.discard(one.worker_of(job))


def unstored_by_each(one, pictures, workers):
    """The same for requests that are not stored: eight at once, so that no worker is idle."""
    before, end = photos_of(one), time.monotonic() + 60
    with futures.ThreadPoolExecutor(8) as pool:
        while any(count <= before[worker] for worker, count in photos_of(one).items()):
            assert time.monotonic() < end, f"before {before}, after {photos_of(one)}"
            assert list(pool.map(lambda _: unstored(one, pictures["obama2"]), range(8))) == [["Barack"]] * 8
            wait_until(lambda: sum(photos_of(one).values()) > sum(before.values()), what="the next heartbeat")
    assert len(before) == len(workers)


def play(one, pictures, workers):
    one.train("Barack", pictures["obama"], detector="cnn")
    one.train("Joe", pictures["biden"], detector="hog")
    for detector in ("hog", "cnn"):
        for photo, name in (("obama2", "Barack"), ("biden", "Joe")):
            assert names(one.recognize(pictures[photo], detector=detector)) == [name]
            assert unstored(one, pictures[photo], detector=detector) == [name]
    served_by_each(one, pictures, workers)
    unstored_by_each(one, pictures, workers)
    live(one, pictures)
    one.train("Joe", pictures["biden"], collection="team")
    job = one.finish(one.call("DELETE", "/api/faces/Joe").json())
    assert job["state"] == "succeeded", job
    assert len(job["result"]["confirmed_by"]) == len(workers), job
    for recognized in (names(one.recognize(pictures["biden"])), unstored(one, pictures["biden"])):
        assert recognized == ["unknown"]
    assert names(one.recognize(pictures["obama2"])) == unstored(one, pictures["obama2"]) == ["Barack"]
    one.clear()
    for detector in ("hog", "cnn"):
        assert names(one.recognize(pictures["obama2"], detector=detector)) == ["unknown"]
        assert unstored(one, pictures["obama2"], detector=detector) == ["unknown"]
    assert names(one.recognize(pictures["biden"], collection="team")) == ["Joe"]
    assert one.fsck() == []


def mix(api, broker, workers, pictures, first):
    with tempfile.TemporaryDirectory(prefix="vultus-mix-") as folder, processes(folder) as one:
        one.start_redis(first)
        one.start("broker", broker)
        one.start("api", api)
        for worker in workers:
            one.start("worker", worker)
        one.ready(len(workers))
        play(one, pictures, [f"worker-{worker.name}" for worker in workers])
        for version in (OLDER, TODAY):
            one.ctl(version, "status")
            one.ctl(version, "fsck")
        assert "malformed" not in one.logs(10_000), one.logs()


def mixes():
    """All but those of one version alone. Redis starts with the configuration of the broker's version."""
    for api, broker in itertools.product((OLDER, TODAY), repeat=2):
        for workers in ((OLDER,), (TODAY,), (OLDER, TODAY)):
            if len({api, broker, *workers}) > 1:
                yield "api {}, broker {}, workers {}".format(
                    api.name, broker.name, "+".join(worker.name for worker in workers)), (api, broker, workers)


def main():
    build_older()
    pictures, failed = photos(), []
    for name, (api, broker, workers) in mixes():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        begin = time.monotonic()
        try:
            mix(api, broker, workers, pictures, broker)
        except Exception as why:  # the other mixes tell more
            failed.append(name)
            print(f"FAILED  {name}: {type(why).__name__}: {why}", flush=True)
        else:
            print(f"ok      {name} ({time.monotonic() - begin:.0f} s)", flush=True)
    print(f"{len(failed)} failed" if failed else "every mix answers right")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
