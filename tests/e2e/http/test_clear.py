"""Clear means clear: no answer from any worker, queued or direct, names a face that is gone."""
import concurrent.futures
import os
import random
import signal
import threading

from conftest import names, running, wait_until


def direct(service, photo, **params):
    """A recognize that is not stored; its result. Asks again when no worker was left to answer."""
    for _ in range(5):
        answer = service.call("POST", "/api/recognize", params={"durable": "false", **params},
                              files={"file": photo})
        if answer.status_code != 503:
            break
    assert answer.status_code == 200, answer.text
    return answer.json()


def queued(service, photo):
    """(result, the worker that gave it)"""
    job = service.submit("/api/recognize", [photo])
    assert job["state"] == "succeeded", job
    return job["result"], service.redis().hget(f"vultus:{{0}}:job:{job['id']}", "worker")


def says_nobody(result, version):
    assert names(result) == ["unknown"]
    assert result["gallery"]["version"] >= version


def stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def test_after_clear_all_workers_say_unknown(photos):
    """Three workers; one stops itself between a match and the stored answer, one between a match and the
    direct answer (failpoint). A clear passes, they go on, and 200 recognizes run over all three."""
    photo = photos["small_obama2"]
    with running(workers=3, environment={"VULTUS_FAILPOINT": "worker.after_match:stop"}) as service:
        def frozen():
            return [pid for pid in service.pids("vultus-worker") if stopped(pid)]

        # A train does not pass the match, so the gallery fills before anyone stops.
        service.train("obama", photos["small_obama"])
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            early = [pool.submit(queued, service, photo)]
            wait_until(frozen, what="a worker that stops before its commit")
            early.append(pool.submit(direct, service, photo))
            two = wait_until(lambda: len(frozen()) == 2 and frozen(), what="one that stops before its answer")
            clear = pool.submit(service.clear)

            def go_on(held):
                for pid in set(frozen()) - set(held):
                    os.kill(pid, signal.SIGCONT)

            def cleared():
                go_on(two)  # the third worker stops at its own first match, whenever that is
                return clear.done()
            wait_until(cleared, 60, "the clear's end, when both registrations are gone")
            version = clear.result()["result"]["version"]

            stored = [pool.submit(queued, service, photo) for _ in range(100)]
            live = [pool.submit(direct, service, photo) for _ in range(100)]

            def answered():
                go_on(())
                return all(one.done() for one in early + stored + live)
            wait_until(answered, 120, "200 answers and the two early ones")
            for result, _ in [early[0].result()] + [one.result() for one in stored]:
                says_nobody(result, version)
            for one in [early[1]] + live:
                says_nobody(one.result(), version)
            workers = {one.result()[1] for one in stored}
        assert len(workers) == 3
        assert service.fsck() == []


def test_mixed_clients_agree_with_the_accept_order(photos):
    """8 clients train, clear and recognise in one collection each of 4; every answer must fit the order in
    which the service accepted the changes (mseq) and the version that the answer names."""
    rounds = int(os.environ.get("VULTUS_ROUNDS", "10"))
    with running(workers=2) as service:
        log, answers, lock = [], [], threading.Lock()

        def client(number):
            chance = random.Random(number)
            room = f"room-{number % 4}"
            for _ in range(rounds):
                what = chance.choice(["train", "clear", "recognize", "direct"])
                if what == "direct":
                    result = direct(service, photos["small_obama2"], collection=room)
                elif what == "train":
                    job = service.submit("/api/train", [photos["small_obama"]], name="obama", collection=room)
                elif what == "clear":
                    job = service.submit("/api/clear", collection=room)
                else:
                    job = service.submit("/api/recognize", [photos["small_obama2"]], collection=room)
                    assert job["state"] == "succeeded", job
                    result = job["result"]
                with lock:
                    if what in ("train", "clear"):
                        log.append((room, job))
                    else:
                        answers.append((room, result["gallery"]["version"], names(result)))

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(client, n) for n in range(8)]:
                done.result()

        store = service.redis()
        assert len(log) + len(answers) == 8 * rounds
        for room in {name for name, *_ in log}:
            changes = []
            for name, job in log:
                assert job["state"] == "succeeded", job
                fields = store.hgetall(f"vultus:{{0}}:job:{job['id']}")
                if name == room and fields.get(b"superseded") != b"1":
                    changes.append((int(fields[b"version"]), job["type"], int(fields[b"mseq"])))
            changes.sort()
            # A train that was accepted before a clear must not come after it.
            cleared = 0
            for _, kind, mseq in changes:
                assert mseq > cleared, (room, changes)
                if kind == "clear":
                    cleared = mseq
            for _, version, said in (answer for answer in answers if answer[0] == room):
                faces = 0
                for changed_at, kind, _ in changes:
                    if changed_at <= version:
                        faces = faces + 1 if kind == "train" else 0
                assert said == (["obama"] if faces else ["unknown"]), (room, version, changes)
        assert service.fsck() == []
