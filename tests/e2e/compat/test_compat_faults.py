"""What a client of another service sees while processes die: an answer in its own words, and never a 201 for nothing."""
import contextlib
import os
import signal
import threading
import time

from compreface_client import Compreface, picture
from conftest import running
from test_compreface_errors import refused


def test_a_worker_that_dies_while_a_face_is_added(photos):
    with running() as service:
        face = Compreface(service)
        face.add("Barack", photos["small_obama"])
        answers = []
        for name, photo in (("A", "small_obama2"), ("B", "small_obama3"), ("C", "small_biden")):
            def add(name=name, photo=photo):
                answers.append(face.call("POST", f"/recognition/faces?subject={name}", files=picture(photos[photo])))
            adding = threading.Thread(target=add)
            adding.start()
            time.sleep(0.05)
            for pid in service.pids("vultus-worker"):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            adding.join(60)
        assert len(answers) == 3
        there = {one["image_id"] for one in face.faces()["faces"]}
        for answer in answers:
            if answer.status_code == 201:
                assert answer.json()["image_id"] in there
            else:
                refused(answer, 500, 41)
        assert service.fsck() == []


def test_without_a_worker_and_without_redis(photos):
    with running(workers=0) as service:
        face = Compreface(service)
        answer = face.call("POST", "/recognition/recognize", files=picture(photos["small_obama"]))
        assert int(answer.headers["Retry-After"]) > 0
        refused(answer, 500, 41)
        deep = service.call("POST", "/v1/vision/face", files={"image": photos["small_obama"]})
        assert (deep.status_code, deep.json()["error"]) == (500, "error occured on the server")
        cloud = service.call("POST", "/detect", files={"file": photos["small_obama"]})
        assert cloud.status_code == 500 and set(cloud.json()) == {"error"}
        [store] = service.pids("redis-server") or service.pids("redis")
        os.kill(store, signal.SIGSTOP)
        try:
            refused(face.call("GET", "/recognition/subjects"), 500, 41)
            assert service.call("POST", "/v1/vision/face/list").json()["success"] is False
        finally:
            os.kill(store, signal.SIGCONT)
