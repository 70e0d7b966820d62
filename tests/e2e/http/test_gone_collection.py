"""A collection that was deleted is gone for everybody: jobs, unstored answers, live pictures, and no other waits for it."""
import concurrent.futures
import os
import signal

import pytest
from conftest import PREFIX, names, running, wait_until
from live_client import Live


def delete(service, collection):
    answer = service.call("DELETE", f"/api/collections/{collection}", headers={"Prefer": "wait=30"})
    assert answer.status_code in (200, 202), answer.text
    job = service.finish(answer.json())
    assert job["state"] == "succeeded", job


def refused(service):
    """How often a result was refused as too old."""
    return int(service.redis().hget(f"{PREFIX}stats", "old_version") or 0)


@pytest.fixture(scope="module")
def service(photos):
    with running(workers=2) as one:
        yield one
        assert one.fsck() == []


def test_jobs_that_wait_while_it_is_deleted_end_and_others_go_on(service, photos):
    photo = photos["small_obama2"]
    service.train("Obama", photos["small_obama"], collection="gone")
    service.train("Obama", photos["small_obama"], collection="other")
    assert names(service.recognize(photo, collection="gone")) == ["Obama"]
    before = refused(service)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(service.recognize, photo, collection="gone") for _ in range(40)]
        delete(service, "gone")
        after = [pool.submit(service.recognize, photo, collection="gone") for _ in range(10)]
        other = [pool.submit(service.recognize, photo, collection="other") for _ in range(10)]
        assert {tuple(names(one.result())) for one in waiting} <= {("Obama",), ("unknown",)}
        for one in after:
            assert names(one.result()) == ["unknown"]
            assert one.result()["gallery"] == {"version": 0, "people": 0, "faces": 0}
        assert all(names(one.result()) == ["Obama"] for one in other)
    assert refused(service) - before <= 3 * 60, "each job repeats its match a few times at most"
    delete_again = service.call("DELETE", "/api/collections/gone")
    assert delete_again.status_code == 404
    service.train("Biden", photos["small_biden"], collection="gone")
    assert names(service.recognize(photo, collection="gone")) == ["unknown"], "of the people before nobody is back"
    assert names(service.recognize(photos["small_biden"], collection="gone")) == ["Biden"]


def test_live_pictures_that_are_sent_after_it_was_deleted_name_nobody(service, photos):
    photo = photos["small_obama2"]
    service.train("Obama", photos["small_obama"], collection="live")
    live = Live(service.port, "?collection=live")
    assert live.receive()["type"] == "settings"
    for _ in range(6):
        assert [face["label"] for face in live.ask(photo)["faces"]] == ["Obama"]
    delete(service, "live")
    for _ in range(6):
        answer = live.ask(photo)
        assert answer["type"] == "frame", answer
        assert [face["label"] for face in answer["faces"]] == [None]
        assert answer["gallery"]["people"] == 0
    service.train("Barack", photos["small_obama"], collection="live")
    wait_until(lambda: [face["label"] for face in live.ask(photo)["faces"]] == ["Barack"], what="the new name")
    live.close()


def test_an_unstored_answer_from_before_the_delete_does_not_leave(photos, tmp_path):
    """The api stops itself with the answer in hand; the collection is deleted meanwhile, and made again or not."""
    photo = photos["small_obama2"]
    with running(environment={"VULTUS_FAILPOINT_DIR": str(tmp_path)}) as service:
        for made_again in (False, True):
            service.train("Obama", photos["small_obama"], collection="direct")
            point = tmp_path / "api.before_reply"
            point.write_text("stop\n")
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                asked = pool.submit(service.call, "POST", "/api/recognize", files={"file": photo},
                                    params={"durable": "false", "collection": "direct"})
                api, = service.pids("vultus-api")
                wait_until(lambda: not point.exists(), what="the answer in the api's hand")
                store = service.redis()
                change(store, "delete_collection", "direct")
                wait_until(lambda: not store.exists(f"{PREFIX}gallery:direct"), what="nothing left of it")
                if made_again:
                    restore(store, "direct")
                os.kill(api, signal.SIGCONT)
                answer = asked.result()
            assert answer.status_code == 200, answer.text
            assert names(answer.json()) == ["unknown"]
            assert answer.json()["gallery"]["people"] == (1 if made_again else 0)


def change(store, what, collection):
    job = f"01890a5d-ac96-774b-bcce-{os.urandom(6).hex()}"
    assert store.fcall("vultus1_change", 1, PREFIX, job, what, collection, "", "", "anonymous", "", "", "")[0] == b"ok"


def restore(store, collection):
    """Somebody else, as far away as can be."""
    answer = store.fcall("vultus1_restore", 1, PREFIX, collection, "dlib_resnet_v1/mirror_unit", "face-0", "Eve",
                         '{"label":"Eve","job_id":"j"}', b"\0" * 512)
    assert answer[0] == b"ok", answer


def test_a_name_that_a_waiting_train_brings_is_not_given_to_another(service, photos):
    """One worker is stopped, so that the train stays open."""
    service.train("Biden", photos["small_biden"], collection="names")
    workers = service.pids("vultus-worker")
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        waiting = service.call("POST", "/api/train", files={"file": photos["small_obama"]},
                               data={"name": "Obama", "collection": "names"}).json()
        rename = {"label": "Biden", "label_to": "Obama", "collection": "names"}
        answer = service.call("POST", "/api/rename", params=rename)
        assert answer.status_code == 409, answer.text
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    assert service.finish(waiting)["state"] == "succeeded"
    assert names(service.recognize(photos["small_obama2"], collection="names")) == ["Obama"]
    assert names(service.recognize(photos["small_biden"], collection="names")) == ["Biden"]
