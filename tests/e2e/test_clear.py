"""Clear means clear: no answer from any worker, queued or direct, names a face that is gone."""
import concurrent.futures
import os
import random
import signal
import threading

from conftest import names, running, wait_until


def direct(service, photo):
    answer = service.call("POST", "/api/recognize", params={"durable": "false"}, files={"file": photo})
    return answer


def stopped(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "T"


def test_after_clear_all_workers_say_unknown(photos):
    with running(workers=3) as service:
        service.train("obama", photos["small_obama"])
        assert names(service.recognize(photos["small_obama2"])) == ["obama"]
        version = service.clear()["result"]["version"]
        workers = set()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            queued = pool.map(lambda _: service.submit("/api/recognize", [photos["small_obama2"]]), range(100))
            live = pool.map(lambda _: direct(service, photos["small_obama2"]), range(100))
            for job in queued:
                assert job["state"] == "succeeded"
                assert names(job["result"]) == ["unknown"]
                assert job["result"]["gallery"]["version"] >= version
                workers.add(service.redis().hget(f"vultus:{{0}}:job:{job['id']}", "worker"))
            for answer in live:
                assert answer.status_code == 200, answer.text
                result = answer.json()
                result = result.get("result", result)
                assert names(result) == ["unknown"]
                assert result["gallery"]["version"] >= version
        assert len(workers) == 3
        assert service.fsck() == []


def test_a_worker_frozen_between_match_and_answer_says_nothing_old(photos):
    """The first worker to match stops itself there (failpoint); a clear passes; then it goes on."""
    with running(workers=2, environment={"VULTUS_FAILPOINT": "worker.after_match:stop"}) as service:
        pass_one = None

        def frozen():
            return [pid for pid in service.pids("vultus-worker") if stopped(pid)]
        # A train does not pass the match, so the gallery fills before anyone stops.
        service.train("obama", photos["small_obama"])
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            queued = pool.submit(service.submit, "/api/recognize", [photos["small_obama2"]])
            [pid] = wait_until(frozen, what="a worker at its failpoint")
            pass_one = pid
            version = service.clear()["result"]["version"]
            os.kill(pass_one, signal.SIGCONT)
            # The other worker stops at its own first match; let it go on as well.
            def let_go():
                for other in frozen():
                    os.kill(other, signal.SIGCONT)
                return queued.done()
            wait_until(let_go, 60, "the job's end")
            job = queued.result()
        assert job["state"] == "succeeded"
        assert names(job["result"]) == ["unknown"]
        assert job["result"]["gallery"]["version"] >= version
        assert service.fsck() == []


def test_mixed_clients_agree_with_the_accept_order(photos):
    """8 clients train, clear and recognise in one collection each of 4; every answer must fit the order in
    which the service accepted the changes (mseq) and the version that the answer names."""
    rounds = int(os.environ.get("VULTUS_ROUNDS", "10"))
    with running(workers=2) as service:
        log, lock = [], threading.Lock()

        def client(number):
            chance = random.Random(number)
            collection = f"room-{number % 4}"
            for _ in range(rounds):
                what = chance.choice(["train", "clear", "recognize", "recognize"])
                if what == "train":
                    job = service.submit("/api/train", [photos["small_obama"]], name="obama", collection=collection)
                elif what == "clear":
                    job = service.submit("/api/clear", collection=collection)
                else:
                    job = service.submit("/api/recognize", [photos["small_obama2"]], collection=collection)
                with lock:
                    log.append((collection, job))

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(client, n) for n in range(8)]:
                done.result()

        store = service.redis()
        assert len(log) == 8 * rounds
        for collection in {name for name, _ in log}:
            changes, answers = [], []
            for name, job in log:
                if name != collection:
                    continue
                assert job["state"] == "succeeded", job
                fields = store.hgetall(f"vultus:{{0}}:job:{job['id']}")
                if job["type"] == "recognize":
                    answers.append((job["result"]["gallery"]["version"], names(job["result"])))
                elif fields.get(b"superseded") != b"1":
                    changes.append((int(fields[b"version"]), job["type"]))
            changes.sort()
            for version, said in answers:
                faces = 0
                for changed_at, kind in changes:
                    if changed_at <= version:
                        faces = faces + 1 if kind == "train" else 0
                assert said == (["obama"] if faces else ["unknown"]), (collection, version, changes)
        assert service.fsck() == []
