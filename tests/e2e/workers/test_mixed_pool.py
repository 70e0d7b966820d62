"""A pool of one worker on a GPU and one on a CPU, through the whole service. The GPU is the stand-in of
tests/workers, in a libvultus-cuda.so that the worker loads: what it computes is what a GPU would, in half precision,
only slowly. So pictures are small here and jobs few.
"""
import io
import json
import os
import pathlib
import subprocess

import pytest
from conftest import PREFIX, ROOT, jpeg, names, running, wait_until, worker_beside
from PIL import Image

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
LIBRARY = PROGRAMS.parent / "stand_in_gpu"
CARD = "Stand-in, 2048 MiB, compute 9.0"
# A window of two jobs, so that two are enough to make a worker busy. With so little memory a GPU embeds one face
# a pass; larger passes, which it tries out at start, would take the stand-in half a minute.
SETTINGS = ["worker.batch_max=1", "worker.vision_threads=1", "worker.detect_side_max=320", "worker.gpu_memory_mib=30"]
KINDS = {"cnn": "cuda:0", "hog": "cpu"}
DISTANCE_MARGIN = 0.01  # of half precision, docs/benchmarks.md


def processor_beside(service):
    """A worker on the CPU."""
    return worker_beside(service, "worker.device=cpu", *SETTINGS)


@pytest.fixture(scope="module")
def pool():
    environment = {"LD_LIBRARY_PATH": str(LIBRARY)}
    with running(words=["--device", "cuda:0"], settings=SETTINGS, environment=environment) as service:
        with processor_beside(service):
            wait_until(lambda: len(workers(service)) == 2, what="a pool of two")
            yield service


@pytest.fixture(scope="module")
def faces(photos):
    """Two photos of one person and one of another: the upper square, 320 pixels wide, with a face of at least 80."""
    def small(name):
        picture = Image.open(io.BytesIO(photos[name])).convert("RGB")
        return jpeg(picture.crop((0, 0, picture.width, picture.width)).resize((320, 320)))
    return {"Obama": small("obama"), "Obama, later": small("obama2"), "Biden": small("biden")}


def workers(service):
    return service.call("GET", "/api/status").json()["workers"]


def when_idle(service):
    """The next job finds both kinds of workers idle, as the broker sees them."""
    wait_until(lambda: all(one["outstanding"] == 0 for one in workers(service)), what="an idle pool")


def device_of(service, job):
    worker = service.redis().hget(f"{PREFIX}job:{job['id']}", "worker").decode()
    return next(one["device"] for one in workers(service) if one["worker_id"] == worker)


def at_once(service, photo, detector, count):
    """So many jobs for the same photo, put in before the first is done; (device, result) of each."""
    when_idle(service)
    jobs = [service.call("POST", "/api/recognize", files={"file": ("a.jpg", photo)},
                         data={"detector": detector, "min_face_px": 80}).json() for _ in range(count)]
    ended = [service.finish(job) for job in jobs]
    assert {job["state"] for job in ended} == {"succeeded"}, ended
    return [(device_of(service, job), job["result"]) for job in ended]


def assert_same_answers(one, other):
    assert names(one) == names(other)
    for a, b in zip(one["faces"], other["faces"], strict=True):
        assert abs(a["distance"] - b["distance"]) <= DISTANCE_MARGIN, (a, b)
        assert max(abs(x - y) for x, y in zip(box(a), box(b), strict=True)) <= 2, (a, b)


def box(face):
    return [face["box"][side] for side in ("left", "top", "right", "bottom")]


def test_the_status_names_the_card(pool):
    assert {one["device"]: one.get("card", "") for one in workers(pool)} == {"cuda:0": CARD, "cpu": ""}
    said = subprocess.run([PROGRAMS / "vultusctl", "--data", pool.data, "status"], capture_output=True, text=True)
    assert CARD in said.stdout, said
    said = subprocess.run([PROGRAMS / "vultusctl", "--data", pool.data, "--json", "status"], capture_output=True, text=True)
    assert CARD in {one.get("card") for one in json.loads(said.stdout)["workers"]}


def test_without_room_on_the_card_the_cpu_runs_a_detector(pool, faces):
    """centerface needs more than is left of 30 MiB; the log has it in one line, and the worker serves it all the same."""
    logs = "\n".join(log.read_text(errors="replace") for log in pool.data.glob("log/worker*.log"))
    said = [line for line in logs.splitlines() if "detector_on_cpu" in line and "centerface" in line]
    assert len(said) == 1 and "worker.gpu_memory_mib" in said[0], logs[-2000:]
    answers = at_once(pool, faces["Obama"], "centerface", 5)
    assert {device for device, _ in answers} == {"cuda:0", "cpu"}
    assert {len(result["faces"]) for _, result in answers} == {1}


def test_what_one_kind_of_worker_taught_the_other_recognizes(pool, faces):
    """cnn goes to the GPU and hog to the CPU, when both are idle."""
    for name, taught_with, asked_with in (("Obama", "cnn", "hog"), ("Biden", "hog", "cnn")):
        when_idle(pool)
        job = pool.train(name, faces[name], detector=taught_with, min_face_px=80)
        assert device_of(pool, job) == KINDS[taught_with]
        photo = faces["Obama, later" if name == "Obama" else name]
        when_idle(pool)
        job = pool.submit("/api/recognize", [photo], detector=asked_with, min_face_px=80)
        assert device_of(pool, job) == KINDS[asked_with]
        assert names(job["result"]) == [name]


@pytest.mark.parametrize("detector", ["cnn", "hog"])
def test_each_kind_spills_over_and_the_answers_are_the_same(pool, faces, detector):
    answers = at_once(pool, faces["Obama, later"], detector, 5)
    assert {device for device, _ in answers} == {"cuda:0", "cpu"}, "one of them was idle beside waiting jobs"
    one, *others = [result for _, result in answers]
    assert names(one) == ["Obama"]
    for other in others:
        assert_same_answers(one, other)


def test_the_queue_is_in_order(pool):
    when_idle(pool)
    assert pool.fsck() == []
