"""POST /api/detect, embed and verify, and embeddings instead of photos: stored and not, forms and JSON, and what bad input gets."""
import base64

import pytest
from conftest import PHOTOS, wait_until

WAIT = {"Prefer": "wait=30"}


def files(*names):
    return [("file", (name, (PHOTOS / name).read_bytes())) for name in names]


def as_json(*names, **more):
    photos = [base64.b64encode((PHOTOS / name).read_bytes()).decode() for name in names]
    return {"images": photos, **more}


def ask(service, path, durable=True, **request):
    """The result; of a stored job from its end."""
    answer = service.call("POST", path, params={"durable": str(durable).lower()}, headers=WAIT, **request)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    if not durable:
        return said
    assert said["state"] == "succeeded", said
    return said["result"]


def refused(service, path, status, name, **request):
    answer = service.call("POST", path, headers=WAIT, **request)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"/problems/{name}", answer.text
    return answer.json()["detail"]


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("form", [True, False])
def test_a_detect_and_an_embed(shared_service, durable, form):
    body = {"files": files("obama2.jpg")} if form else {"json": as_json("obama2.jpg")}
    seen = ask(shared_service, "/api/detect", durable, **body)
    assert list(seen["models"]) == ["detector"] and seen["timing_ms"]["embed"] == 0
    [face] = seen["faces"]
    assert set(face) == {"box", "detection_score", "landmarks", "quality"} and len(face["landmarks"]) == 5
    told = ask(shared_service, "/api/embed", durable, **body)
    assert told["models"]["embedding"] == "dlib_resnet_v1/mirror_unit" and told["dimension"] == 128
    assert told["faces"][0]["box"] == face["box"] and len(told["faces"][0]["embedding"]) == 128


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("form", [True, False])
def test_two_photos_are_compared(shared_service, durable, form):
    def verify(*names, **options):
        body = {"files": files(*names), "data": options} if form else {"json": as_json(*names, **options)}
        return ask(shared_service, "/api/verify", durable, **body)
    same = verify("obama.jpg", "obama2.jpg")
    assert same["same"] and same["compared"] == {"face": 0, "other_face": 0} and same["comparisons"] == 1
    assert same["distance"] < same["distance_max"] == 0.3797 and same["false_match_rate"] == 0.001
    assert [len(photo["faces"]) for photo in same["photos"]] == [1, 1] and "gallery" not in same
    other = verify("obama.jpg", "biden.jpg")
    assert not other["same"] and other["similarity"] < 0.1
    assert verify("obama.jpg", "biden.jpg", distance_max="1.2")["same"]


@pytest.mark.parametrize("durable", [True, False])
def test_a_person_is_compared_and_after_a_clear_nobody_is_the_same(shared_service, durable):
    service, where = shared_service, {"collection": f"verify-{str(durable).lower()}"}
    trained = service.train("Barack Obama", (PHOTOS / "obama.jpg").read_bytes(), **where)

    def verify():
        return ask(service, "/api/verify", durable, files=files("obama2.jpg"),
                   data={"person": " Barack  Obama ", **where})
    told = verify()
    person_id = trained["person_id"]
    assert told["same"] and told["person"] == {"label": "Barack Obama", "person_id": person_id, "faces": 1}
    by_id = ask(service, "/api/verify", durable, files=files("obama2.jpg"), data={"person": person_id, **where})
    assert by_id["person"] == told["person"] and by_id["distance"] == told["distance"]
    assert told["compared"] == {"face": 0, "face_id": trained["result"]["files"][0]["face_id"]}
    service.clear(**where)
    refused(service, "/api/verify", 404, "not_found", files=files("obama2.jpg"),
            data={"person": "Barack Obama", "durable": str(durable), **where})


def test_embeddings_are_taught_and_recognized(shared_service):
    service, where = shared_service, "?collection=vectors"
    first, second, other = (ask(service, "/api/embed", False, files=files(name))["faces"][0]["embedding"]
                            for name in ("obama.jpg", "obama2.jpg", "biden.jpg"))
    model = "dlib_resnet_v1/mirror_unit"
    for name, embedding in ("Barack Obama", first), ("Joe Biden", other):
        told = service.call("POST", f"/api/train{where}", headers=WAIT,
                            json={"name": name, "model": model, "embeddings": [embedding]}).json()
        assert told["state"] == "succeeded" and told["result"]["files"][0]["state"] == "accepted", told
    for durable in (True, False):
        found = ask(service, f"/api/recognize{where}", durable, json={"embeddings": [second, other], "top": 2})
        assert [face["label"] for face in found["faces"]] == ["Barack Obama", "Joe Biden"]
        assert [len(face["candidates"]) for face in found["faces"]] == [2, 2]
        assert "image" not in found and "box" not in found["faces"][0]
        assert all(one["person_id"] for face in found["faces"] for one in [face, *face["candidates"]])
    known = ask(service, f"/api/recognize{where}", files=files("obama2.jpg"))
    assert known["faces"][0]["label"] == "Barack Obama"
    [face] = service.call("GET", f"/api/faces/Barack%20Obama{where}").json()["faces"]
    assert "box" not in face and not face["picture"]
    assert service.fsck() == []


def test_bad_embeddings_are_refused_and_change_nothing(shared_service):
    service, path = shared_service, "/api/train?collection=untouched"
    unit = [1.0] + [0.0] * 127

    def train(embedding, model="dlib_resnet_v1/mirror_unit"):
        return {"json": {"name": "Ada", "model": model, "embeddings": [embedding]}}
    assert "has 127 numbers" in refused(service, path, 400, "bad_option", **train(unit[1:]))
    assert "is zero" in refused(service, path, 400, "bad_option", **train([0.0] * 128))
    assert "length 1" in refused(service, path, 400, "bad_option", **train([2.0] + [0.0] * 127))
    assert "out of range" in refused(service, path, 400, "bad_option", **train([1e39] + [0.0] * 127))
    assert "have 256" in refused(service, path, 400, "bad_option", **train([1.0] + [0.0] * 255))
    assert "omz_0095/unit" in refused(service, path, 422, "model_mismatch", **train(unit, "omz_0095/unit"))
    nan = '{"name":"Ada","model":"m","embeddings":[[NaN' + ",0" * 127 + "]]}"
    answer = service.call("POST", path, data=nan, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert "untouched" not in service.call("GET", "/api/collections").text


def test_bad_questions_are_refused(shared_service):
    service = shared_service
    refused(service, "/api/verify", 400, "malformed", files=files("obama.jpg"))
    refused(service, "/api/verify", 400, "malformed", files=files("obama.jpg", "obama2.jpg", "biden.jpg"))
    refused(service, "/api/verify", 404, "not_found", files=files("obama.jpg"), data={"person": "Nobody Atall"})
    refused(service, "/api/detect", 400, "bad_option", files=files("obama.jpg"), data={"k": "3"})
    refused(service, "/api/embed?durable=false", 503, "no_worker", files=files("obama.jpg"),
            data={"embedder": "my/unit"})
    where = service.call("POST", "/api/embed", params={"embedder": "my/unit"}, files=files("obama.jpg")).json()["links"]
    wait_until(lambda: service.call("GET", where["self"]).json().get("waits_for") == "my/unit", what="to wait for it")
    assert service.call("DELETE", where["self"]).json()["state"] == "cancelled"


def test_a_job_without_a_collection_is_listed_by_its_type(shared_service):
    ask(shared_service, "/api/detect", files=files("obama.jpg"))
    listed = shared_service.call("GET", "/api/jobs?type=detect").json()["jobs"]
    assert listed and "collection" not in listed[0]
    assert shared_service.fsck() == []
