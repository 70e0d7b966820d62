"""Which models a service uses by default, and a pool of workers that do not have the same ones: whose job waits for whom, and
what a job does whose model nobody has. The lean worker has no file of centerface.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from conftest import PREFIX, ROOT, names, running, started, wait_until, worker_beside

sys.path.append(str(ROOT / "clients/python"))
from vultus import Client  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
DLIB = "dlib_resnet_v1/mirror_unit"


@pytest.fixture(scope="module")
def lean(tmp_path_factory):
    """A folder of models without centerface."""
    folder = tmp_path_factory.mktemp("lean") / "models"
    folder.mkdir()
    for path in (ROOT / "build/models").iterdir():
        if not path.name.startswith("centerface"):
            shutil.copy(path, folder)
    return folder


def status(service):
    return service.call("GET", "/api/status").json()


def defaults(service):
    return status(service)["models"]["defaults"]


def post(service, photo, **form):
    answer = service.call("POST", "/api/recognize", files={"file": ("a.jpg", photo)}, data=form)
    assert answer.status_code == 202, answer.text
    return answer.json()


def ctl(service, *words):
    ran = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, *words], capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stdout, ran.stderr


def test_a_new_service_decides_once_and_keeps_it(tmp_path, photos):
    with started(tmp_path, defaults=()) as service:
        first = defaults(service)
        assert first["detector"] == "centerface"
        assert service.logs(10_000).count("defaults_decided") == 1
        job = service.submit("/api/recognize", [photos["small_obama"]])
        assert job["models"] == {"detector": first["detector"], "embedding": first["embedder"]} == job["result"]["models"]
        unstored = service.call("POST", "/api/recognize", params={"durable": "false"}, files={"file": photos["small_obama"]})
        assert unstored.json()["models"] == job["models"]
        turned = service.submit("/api/recognize", [photos["small_obama"]], rotate="true")
        assert turned["state"] == "succeeded"
    with started(tmp_path, defaults=("worker.default_detector=hog",)) as service:
        assert defaults(service) == first
        assert service.logs(10_000).count("defaults_decided") == 1
        assert service.fsck() == []


def test_data_of_an_older_version_keep_hog_and_their_embedder(tmp_path, photos):
    with started(tmp_path) as service:
        service.train("obama", photos["small_obama"])
        service.redis().delete(f"{PREFIX}defaults")  # as an older version leaves them
    with started(tmp_path, defaults=()) as service:
        assert defaults(service) == {"detector": "hog", "embedder": DLIB}
        found = service.recognize(photos["small_obama2"])
        assert names(found) == ["obama"] and found["models"] == {"detector": "hog", "embedding": DLIB}


def test_in_a_mixed_pool_each_job_goes_to_a_worker_that_has_its_models(photos, lean):
    with running() as service, worker_beside(service, f"worker.models={lean}"):
        wait_until(lambda: len(status(service)["workers"]) == 2, what="two workers")
        has = {one["worker_id"]: one["detectors"] for one in status(service)["workers"]}
        jobs = [(detector, post(service, photos["small_obama"], detector=detector))
                for _ in range(6) for detector in ("centerface", "hog")]
        for detector, job in jobs:
            ended = service.finish(job)
            assert (ended["state"], ended["models"]["detector"]) == ("succeeded", detector), ended
            assert detector in has[service.redis().hget(f"{PREFIX}job:{job['id']}", "worker").decode()]
        for _ in range(6):
            answer = service.call("POST", "/api/recognize", params={"durable": "false", "detector": "centerface"},
                                  files={"file": photos["small_obama"]})
            assert answer.status_code == 200, answer.text
        assert status(service)["models"]["jobs_waiting"] == 0
        assert service.fsck() == []


def test_a_job_for_a_model_that_no_worker_has_waits_and_runs_when_one_comes(photos, lean):
    with running(settings=[f"worker.models={lean}"]) as service:
        waiting = [post(service, photos["small_obama"], detector="centerface") for _ in range(3)]
        assert service.recognize(photos["small_obama"])["models"]["detector"] == "hog", "behind them, and not hidden"
        wait_until(lambda: status(service)["models"]["jobs_waiting"] == 3, what="three jobs that wait")
        told = status(service)
        assert told["models"]["waiting_for"] == [{"model": "centerface", "jobs": 3}]
        assert "3 jobs wait for the model centerface, which no worker has" in told["reasons"]
        assert told["state"] == "ready"
        seen = service.call("GET", f"/api/jobs/{waiting[0]['id']}").json()
        assert (seen["state"], seen["waits_for"], seen["attempt"]) == ("delayed", "centerface", 0)
        wait_until(lambda: "vultus_jobs_waiting_for_model 3" in service.call("GET", "/metrics").text, what="the metric")
        assert service.fsck() == []
        with worker_beside(service):
            for job in waiting:
                ended = service.finish(job)
                assert (ended["state"], ended["attempt"]) == ("succeeded", 1), ended
        assert status(service)["models"]["jobs_waiting"] == 0


def test_the_default_is_changed_by_an_operator(photos, lean):
    with running(settings=[f"worker.models={lean}"]) as service:
        code, _, said = ctl(service, "models", "default", "--detector", "centerface")
        assert code == 1 and "No worker has centerface" in said
        assert defaults(service)["detector"] == "hog"
        assert ctl(service, "models", "default")[0] == 2
        assert ctl(service, "models", "default", "--detector", "a b")[0] == 2
        code, said, _ = ctl(service, "models", "default", "--detector", "cnn")
        assert (code, said) == (0, f"defaults: detector cnn, embedder {DLIB}\n")
        assert service.recognize(photos["small_obama"], min_face_px=80)["models"]["detector"] == "cnn"
        assert ctl(service, "models", "default", "--detector", "centerface", "--force")[0] == 0
        assert status(service)["models"]["defaults"]["detector"] == "centerface"
        job = post(service, photos["small_obama"])
        wait_until(lambda: status(service)["state"] == "degraded", what="that the default is missing")
        assert ctl(service, "models", "default", "--detector", "hog")[0] == 0
        assert service.finish(job)["models"]["detector"] == "hog", "the default of the attempt"
        entries = json.loads(ctl(service, "--json", "audit")[1])
        assert [f"centerface {DLIB}", f"cnn {DLIB}"] == [
            one["about"] for one in entries["audit"] if one["what"] == "models"][1:]


def test_who_has_which_model_with_its_licence(shared_service):
    listed = json.loads(ctl(shared_service, "--json", "models", "list")[1])
    assert listed["defaults"] == {"detector": "hog", "embedder": DLIB}
    by_name = {one["name"]: one for one in listed["models"]}
    assert by_name["centerface"]["licence"] == "MIT" and by_name["centerface"]["workers"] == 1
    assert by_name[DLIB]["default"] and by_name["hog"]["default"] and not by_name["cnn"]["default"]
    assert "centerface" in ctl(shared_service, "models", "list")[1]
    with Client(shared_service.url) as client:
        told = client.models()
        found = client.recognize((ROOT / "build/photos/obama.jpg").read_bytes(), min_face_px=80)
    assert (told.detector, told.embedder, found.min_face_px) == ("hog", DLIB, 80)
    network = next(one for one in told.models if one.name == "dlib_resnet_v1")
    assert DLIB in network.embedders and network.licence == "CC0-1.0" and network.workers == 1
