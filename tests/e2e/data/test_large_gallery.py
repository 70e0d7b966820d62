"""A worker that starts beside a large collection: the small one does not wait for it, and the large one is whole."""
import io
import os
import random
import signal
import struct

from conftest import PREFIX, jpeg, names, wait_until
from PIL import Image

FACES, A_CALL = 60_000, 200  # some ten slices of 50 ms


def fill(store, collection, model):
    """People far from everybody: vectors of length 8."""
    chance = random.Random(7)
    axes = [[chance.gauss(0, 0.7) for _ in range(128)] for _ in range(50)]
    pipe = store.pipeline(transaction=False)
    for begin in range(0, FACES, A_CALL):
        words = []
        for number in range(begin, begin + A_CALL):
            job, label = f"01936a3e-7f10-7b01-a3c4-{number:012x}", f"person {number // 5}"
            vector = struct.pack("<128f", *(8 + one for one in axes[number % 50]))
            words += [f"{job}-0", label, f'{{"label":"{label}","job_id":"{job}"}}', vector]
        pipe.fcall("vultus1_restore", 1, PREFIX, collection, model, *words)
    assert all(answer[0] == b"ok" for answer in pipe.execute())


def workers(service):
    return [one["worker_id"] for one in service.call("GET", "/api/status").json()["workers"]]


def test_a_small_collection_does_not_wait_for_a_large_one(service, photos):
    for collection in ("large", "small"):
        service.train("Barack", photos["small_obama"], collection=collection)
    picture = Image.open(io.BytesIO(photos["small_obama2"]))
    picture.thumbnail((240, 240))
    photo, store = jpeg(picture), service.redis()  # small: it is the load that takes time
    fill(store, "large", store.hget(f"{PREFIX}gallery:large", "embedding_model"))

    def ask(collection):
        answer = service.call("POST", "/api/recognize", params={"collection": collection, "durable": "true"},
                              files=[("file", ("a.jpg", photo))])
        assert answer.status_code == 202, answer.text
        return answer.json()
    service.finish(ask("large"))
    for _ in range(3):
        pid, = service.pids("vultus-worker")
        old = workers(service)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(workers(service)) == 1 and workers(service) != old, what="another worker, and it alone")
        jobs = {collection: ask(collection) for collection in ("large", "small")}
        ended = {collection: service.finish(job) for collection, job in jobs.items()}
        for job in ended.values():
            assert names(job["result"]) == ["Barack"], job
        assert ended["small"]["finished_at"] < ended["large"]["finished_at"], ended
    assert ended["large"]["result"]["gallery"]["faces"] == FACES + 1, ended["large"]
    assert service.fsck() == []
