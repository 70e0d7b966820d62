"""What must not stay: photos of finished jobs, and anything of a request that asked to be forgotten."""
import os
import signal

from conftest import PREFIX, jpeg, names, wait_until
from PIL import Image
from store_contents import contents


def keys(store):
    return sorted(key for key in store.scan_iter("*"))


def test_a_direct_answer_leaves_nothing(shared_service, photos):
    shared_service.train("biden", photos["small_biden"])
    store = shared_service.redis()
    before, events = keys(store), store.xinfo_stream(f"{PREFIX}events")["last-generated-id"]
    for _ in range(5):
        answer = shared_service.call("POST", "/api/recognize", params={"durable": "false"},
                                     files={"file": photos["small_biden"]})
        assert answer.status_code == 200, answer.text
        assert names(answer.json().get("result", answer.json())) == ["biden"]
    assert keys(store) == before
    assert store.xinfo_stream(f"{PREFIX}events")["last-generated-id"] == events
    shared_service.clear()


def test_photos_go_when_the_job_ends(shared_service, photos):
    store = shared_service.redis()
    ended = [shared_service.submit("/api/recognize", [photos["small_biden"]]),
             shared_service.submit("/api/train", [jpeg(Image.new("RGB", (99, 99)))], name="nobody")]
    [worker] = shared_service.pids("vultus-worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        answer = shared_service.call("POST", "/api/recognize", files={"file": photos["small_biden"]}).json()
        assert list(store.scan_iter(f"{PREFIX}job:{answer['id']}:image:*"))
        assert shared_service.call("DELETE", f"/api/jobs/{answer['id']}").status_code in (200, 202)
    finally:
        os.kill(worker, signal.SIGCONT)
    ended.append(shared_service.finish(answer))
    assert [job["state"] for job in ended] == ["succeeded", "failed", "cancelled"]
    wait_until(lambda: not list(store.scan_iter(f"{PREFIX}job:*:image:*")), what="no photo in Redis")
    assert int(store.get(f"{PREFIX}bytes") or 0) == 0
    assert shared_service.fsck() == []


def test_no_picture_of_a_face_is_kept(shared_service, photos):
    """As it comes: pictures are kept by who asks for them (test_pictures.py)."""
    store = shared_service.redis()
    shared_service.train("Ann", photos["small_biden"], photos["small_obama"])
    answer = shared_service.call("GET", "/api/faces/Ann").json()
    assert [face["picture"] for face in answer["faces"]] == [False, False]
    assert list(store.scan_iter(f"{PREFIX}gallery:*:pictures")) == []
    for key, values in contents(store, f"{PREFIX}gallery:*").items():
        assert not any(b"JFIF" in value or len(value) > 2000 for value in values), key
    shared_service.clear()


def test_a_person_who_is_deleted_is_gone(shared_service, photos):
    store = shared_service.redis()
    shared_service.train("Unlikely Name", photos["small_biden"])
    answer = shared_service.call("DELETE", "/api/faces/Unlikely%20Name", headers={"Prefer": "wait=30"})
    job = shared_service.finish(answer.json())
    assert job["state"] == "succeeded" and job["result"]["removed_faces"] == 1
    assert names(shared_service.recognize(photos["small_biden"])) == ["unknown"]
    for key, values in contents(store, f"{PREFIX}gallery:*").items():
        # The log of changes, from which workers follow, ages out, and `vultusctl erasure` ends it at once (test_erasure.py).
        assert key.endswith(b":log") or not any(b"Unlikely Name" in value for value in values), key
