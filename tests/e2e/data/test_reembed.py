"""Another embedding model for a collection: from the pictures that it keeps, while it answers, in one step."""
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import uuid

import pytest
from conftest import PREFIX, ROOT, jpeg, names, running, wait_until
from PIL import Image

sys.path.insert(0, str(ROOT / "clients/python"))
from vultus import Client, Refused  # noqa: E402

OTHER = "dlib_resnet_v1/unit"  # of a file that is always there
PATH = "/api/collections/default/model"


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """A failpoint is a file here."""
    return tmp_path_factory.mktemp("points")


@pytest.fixture(scope="module")
def service(points):
    with running(environment={"VULTUS_FAILPOINT_DIR": str(points)}) as one:
        yield one


@pytest.fixture
def taught(service, photos):
    """Two people with pictures, three faces."""
    service.clear()
    assert service.call("POST", "/api/collections/default/pictures", data={"keep": "true"}).json()["keep"] is True
    service.train("Barack", photos["small_obama"], photos["obama3"])
    service.train("Joe", photos["small_biden"])
    yield service
    assert service.fsck() == []


def model(service):
    return service.call("GET", PATH).json()


def change(service, embedder=OTHER, **options):
    answer = service.call("POST", PATH, data={"embedder": embedder, **options}, headers={"Prefer": "wait=60"})
    return service.finish(answer.json()) if answer.status_code < 300 else answer


def test_everybody_is_known_as_before(taught, photos):
    before = model(taught)
    assert (before["faces"], before["pictures"], before["people_without_pictures"]) == (3, 3, [])
    assert names(taught.recognize(photos["obama2"])) == ["Barack"]
    done = change(taught)
    assert done["state"] == "succeeded", done
    assert done["result"]["embedding_model"] == OTHER and done["result"]["faces"] == 3 and done["result"]["left_out"] == 0
    after = model(taught)
    assert after["embedding_model"] == OTHER and after["pictures"] == 3
    seen = taught.recognize(photos["obama2"])
    assert names(seen) == ["Barack"] and seen["models"]["embedding"] == OTHER and seen["gallery"]["version"] >= done["result"]["version"]
    assert names(taught.recognize(photos["small_biden"])) == ["Joe"]
    taught.train("Joe", jpeg(Image.open(io.BytesIO(photos["small_biden"]))))
    again = change(taught, before["embedding_model"])
    assert again["state"] == "succeeded" and again["result"]["faces"] == 4
    assert names(taught.recognize(photos["obama2"])) == ["Barack"]


def test_it_answers_meanwhile(taught, photos):
    """Both stored and direct requests, from the first to the last moment of a change, are answered with a name."""
    stop, wrong, answers = threading.Event(), [], []

    def ask(durable):
        while not stop.is_set():
            answer = taught.call("POST", "/api/recognize", files={"file": photos["obama2"]}, data={"durable": durable},
                                 headers={"Prefer": "wait=30"})
            seen = answer.json()
            seen = seen.get("result", seen)
            answers.append(answer.status_code)
            if answer.status_code != 200 or names(seen) != ["Barack"]:
                wrong.append((answer.status_code, seen))
    threads = [threading.Thread(target=ask, args=(durable,)) for durable in ("true", "false")]
    for one in threads:
        one.start()
    try:
        for embedder in ("dlib_resnet_v1/plain", OTHER, "dlib_resnet_v1/mirror"):
            assert change(taught, embedder)["state"] == "succeeded"
            seen = len(answers)
            wait_until(lambda: len(answers) >= seen + 4, 60, "answers with the new model")  # noqa: B023
    finally:
        stop.set()
        for one in threads:
            one.join()
    assert wrong == []


def test_who_has_no_picture_is_named_first(taught, photos):
    taught.call("DELETE", "/api/collections/default/pictures")
    taught.train("Ghost", photos["obama3"])
    seen = model(taught)
    assert seen["people_without_pictures"] == ["Ghost"] and seen["people_without_pictures_complete"] is True
    refused = change(taught)
    assert refused.status_code == 409 and "Ghost" in refused.json()["detail"] and "1 of 4" in refused.json()["detail"]
    assert model(taught) == seen
    done = change(taught, without_pictures="forget")
    assert done["state"] == "succeeded" and done["result"]["left_out"] == 1
    assert sorted(row["label"] for row in taught.call("GET", "/api/faces").json()["faces"]) == ["Barack", "Joe"]


def test_a_picture_without_a_face_changes_nothing(taught):
    store = taught.redis()
    [key] = store.keys(f"{PREFIX}gallery:default:*:pictures")
    ids = store.hkeys(key)
    store.hset(key, ids[0], jpeg(Image.new("RGB", (64, 64))))
    store.hset(key, ids[1], b"no JPEG")
    before = model(taught)
    failed = change(taught)
    assert failed["state"] == "failed" and failed["error"]["code"] == "wrong_state" and "2 faces" in failed["error"]["detail"]
    assert model(taught) == before and store.keys(f"{PREFIX}gallery:*:staged") == []
    assert change(taught, without_pictures="forget")["result"]["left_out"] == 2


def test_a_picture_of_an_older_version_counts_as_none(taught):
    """It is the aligned face in 112x112 pixels, which no network can align again."""
    store = taught.redis()
    [key] = store.keys(f"{PREFIX}gallery:default:*:pictures")
    [face, picture] = next(iter(store.hgetall(key).items()))
    store.hset(key, face, jpeg(Image.open(io.BytesIO(picture)).resize((112, 112))))
    failed = change(taught)
    assert failed["state"] == "failed" and "1 faces have no picture" in failed["error"]["detail"]
    store.hset(key, face, jpeg(Image.open(io.BytesIO(picture)).resize((112, 111))))
    assert change(taught)["state"] == "succeeded", "the size alone tells them"


def ctl(service, *words):
    program = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"), "vultusctl")
    ran = subprocess.run([program, "--data", service.data, "collections", "model", *words], capture_output=True, text=True, timeout=120)
    return ran.returncode, ran.stdout, ran.stderr


def test_vultusctl(taught, photos):
    taught.call("DELETE", "/api/collections/default/pictures")
    taught.train("Ghost", photos["obama3"])
    before = model(taught)
    code, said, _ = ctl(taught, "default", OTHER, "--wait")
    assert code == 1 and "1 of 4 faces have no picture" in said and "Ghost" in said and "nothing was changed" in said
    assert model(taught) == before
    code, said, _ = ctl(taught, "default", OTHER, "--json")
    assert code == 1 and json.loads(said)["people_without_pictures"] == ["Ghost"] and "job" not in json.loads(said)
    code, said, why = ctl(taught, "default", OTHER, "--forget-without-pictures", "--wait")
    assert code == 0, why
    assert f"default has the model {OTHER}: 3 faces" in said
    assert model(taught)["embedding_model"] == OTHER and model(taught)["faces"] == 3
    code, _, why = ctl(taught, "default", OTHER)
    assert code == 1 and "already" in why
    code, said, _ = ctl(taught, "default", before["embedding_model"])
    assert code == 0 and "was accepted" in said
    job = next(word for word in said.split() if len(word) == 36)
    assert taught.finish(taught.call("GET", f"/api/jobs/{job}").json())["state"] == "succeeded"
    assert ctl(taught, "nowhere", OTHER)[0] == 1 and ctl(taught, "default", "x")[0] == 2
    entries = taught.call("GET", "/api/jobs", params={"type": "reembed"}).json()["jobs"]
    assert len(entries) >= 2


def test_bad_requests(taught):
    for wrong in ({}, {"embedder": ""}, {"embedder": "x"}, {"embedder": "a/b/c"}, {"embedder": OTHER, "without_pictures": "x"},
                  {"embedder": OTHER, "x": "y"}):
        assert taught.call("POST", PATH, data=wrong).status_code == 400, wrong
    same = taught.call("POST", PATH, data={"embedder": model(taught)["embedding_model"]})
    assert same.status_code == 409 and "already" in same.json()["detail"]
    assert taught.call("GET", "/api/collections/nowhere/model").status_code == 404
    assert taught.call("POST", "/api/collections/nowhere/model", data={"embedder": OTHER}).status_code == 404


def test_a_request_that_is_sent_again_gets_its_job(taught):
    """Its first answer may have been lost; by now the collection has that model."""
    words = {"data": {"embedder": OTHER}, "headers": {"Idempotency-Key": str(uuid.uuid4())}}
    job = taught.finish(taught.call("POST", PATH, **words).json())
    assert job["state"] == "succeeded"
    again = taught.call("POST", PATH, **words)
    assert again.status_code in (200, 202) and again.json()["id"] == job["id"]
    other = taught.call("POST", PATH, data={"embedder": OTHER}, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert other.status_code == 409 and "already" in other.json()["detail"]
    taught.clear()
    assert taught.call("POST", PATH, **words).json()["id"] == job["id"]


def test_the_python_client(taught):
    with Client(taught.url) as client:
        assert client.pictures() is True
        told = client.change_model(OTHER)
        assert (told.embedding_model, told.faces, told.left_out) == (OTHER, 3, 0)
        with pytest.raises(Refused) as refused:
            client.change_model(OTHER)
        assert refused.value.code == "wrong_state"
        assert client.set_pictures(False) is False and client.people()[0].picture_face_id is None


def test_a_clear_ends_it(taught):
    """Nothing of what was staged is left, and the job fails with the reason."""
    jobs = [taught.call("POST", PATH, data={"embedder": OTHER}).json() for _ in range(2)]
    cleared = taught.call("POST", "/api/clear", headers={"Prefer": "wait=30"}).json()
    assert cleared["state"] == "succeeded"
    ends = [taught.finish(one) for one in jobs]
    assert all(one["state"] in ("failed", "succeeded") for one in ends)
    assert taught.redis().keys(f"{PREFIX}gallery:*:staged") == [] and model(taught)["faces"] == 0


@pytest.mark.parametrize("place", ["worker.mid_reembed", "worker.before_swap", "worker.after_swap"])
def test_a_worker_that_dies_leaves_one_of_the_two(taught, points, photos, place):
    """The old gallery until the exchange, the new one after it, and the job ends by itself."""
    (points / place).write_text("kill")
    before = model(taught)["embedding_model"]
    job = taught.call("POST", PATH, data={"embedder": OTHER}).json()
    wait_until(lambda: not (points / place).exists(), what="the worker is dead")
    assert model(taught)["embedding_model"] == (OTHER if place.endswith("after_swap") else before)
    assert taught.finish(job)["state"] == "succeeded"
    assert model(taught)["embedding_model"] == OTHER and model(taught)["faces"] == 3
    assert names(taught.recognize(photos["obama2"])) == ["Barack"]


def test_changes_meanwhile_apply(taught, points, photos):
    """The worker stands still before the exchange: somebody is forgotten, somebody renamed, somebody taught."""
    (points / "worker.before_swap").write_text("stop:2500")
    job = taught.call("POST", PATH, data={"embedder": OTHER}).json()
    wait_until(lambda: not (points / "worker.before_swap").exists(), what="the worker stands still")
    taught.call("DELETE", "/api/faces/Joe")
    taught.call("POST", "/api/rename", data={"label": "Barack", "label_to": "Obama"})
    late = taught.call("POST", "/api/train", files={"file": photos["small_biden"]}, data={"name": "Biden"}).json()
    assert taught.finish(job)["state"] == "succeeded"
    assert taught.finish(late)["state"] == "succeeded"
    assert model(taught)["embedding_model"] == OTHER
    assert sorted(row["label"] for row in taught.call("GET", "/api/faces").json()["faces"]) == ["Biden", "Obama"]
    assert names(taught.recognize(photos["obama2"])) == ["Obama"]
    assert names(taught.recognize(photos["small_biden"])) == ["Biden"]
