"""Immich's machine learning: faces with 512 numbers each, other tasks handed on, and only for listed addresses."""
import json
import math

import pytest
import requests
from conftest import jpeg, running
from PIL import Image
from test_compreface import side_by_side
from upstream_server import BAD_ANSWERS, Upstream

FACES = {"facial-recognition": {"detection": {"modelName": "buffalo_l", "options": {"minScore": 0.7}},
                                "recognition": {"modelName": "buffalo_l"}}}
CLIP = {"clip": {"textual": {"modelName": "ViT-B-32__openai", "options": {"language": "en"}}}}


@pytest.fixture(scope="module")
def upstream():
    with Upstream().running() as one:
        yield one


@pytest.fixture(scope="module")
def service(upstream):
    with running(settings=("compat.immich_clients=['127.0.0.1']", f"compat.immich_upstream={upstream.url}")) as one:
        yield one


def predict(service, photo=None, entries=FACES, **more):
    data = {"entries": entries if isinstance(entries, str) else json.dumps(entries), **more}
    files = {"image": ("blob", photo, "application/octet-stream")} if photo else {"x": (None, "")}
    return requests.post(service.url + "/predict", data=data, files=files, timeout=60)


def cosine_distance(a, b):
    return 1 - sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))


def test_ping(service):
    answer = requests.get(service.url + "/ping", timeout=10)
    assert (answer.status_code, answer.text) == (200, "pong")


def test_faces_with_512_numbers(service, photos):
    vectors = {}
    for name in ("small_obama", "small_obama2", "small_biden"):
        answer = predict(service, photos[name])
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert set(body) == {"facial-recognition", "imageHeight", "imageWidth"}
        [face] = body["facial-recognition"]
        assert set(face["boundingBox"]) == {"x1", "y1", "x2", "y2"} and 0.7 <= face["score"] <= 1
        assert isinstance(face["embedding"], str)
        vectors[name] = json.loads(face["embedding"])
        assert len(vectors[name]) == 512 and math.isclose(sum(x * x for x in vectors[name]), 1, abs_tol=1e-3)
        size = Image.open(__import__("io").BytesIO(photos[name])).size
        assert (body["imageWidth"], body["imageHeight"]) == size
    same = cosine_distance(vectors["small_obama"], vectors["small_obama2"])
    assert same < 0.5 < cosine_distance(vectors["small_obama"], vectors["small_biden"])


def test_each_face_has_its_own_numbers(service, photos):
    crowd = side_by_side(photos["small_obama"], photos["small_biden"])
    faces = predict(service, crowd).json()["facial-recognition"]
    assert len(faces) == 2 and len({face["embedding"] for face in faces}) == 2


def test_nobody_is_an_empty_list(service):
    body = predict(service, jpeg(Image.new("RGB", (320, 240), "grey"))).json()
    assert body == {"facial-recognition": [], "imageHeight": 240, "imageWidth": 320}


@pytest.mark.parametrize("entries, photo, status", [
    ("{", b"x", 422), ("[]", b"x", 422), ("{}", b"x", 422), (FACES, b"no picture", 400), (FACES, None, 400),
    ({**FACES, **CLIP}, b"x", 501)])
def test_what_is_refused(service, entries, photo, status):
    answer = predict(service, photo, entries)
    assert answer.status_code == status and set(answer.json()) == {"detail"}, answer.text


def test_another_task_is_handed_on(service, upstream):
    upstream.seen.clear()
    upstream.answer = Upstream.json_answer({"clip": "[0.1,0.2]"})
    answer = predict(service, None, CLIP, text="a cat")
    assert (answer.status_code, answer.json()) == (200, {"clip": "[0.1,0.2]"})
    [seen] = upstream.seen
    assert seen.startswith(b"POST /predict HTTP/1.") and b"a cat" in seen and b"textual" in seen


@pytest.mark.parametrize("why", BAD_ANSWERS)
def test_an_upstream_that_lies(service, upstream, why):
    upstream.answer = BAD_ANSWERS[why]
    answer = predict(service, None, CLIP, text="a cat")
    assert answer.status_code == 502 and set(answer.json()) == {"detail"}


def test_only_listed_addresses_and_no_upstream(photos):
    with running(settings=("compat.immich_clients=['10.1.2.3']",)) as one:
        assert predict(one, photos["small_obama"]).status_code == 403
        assert predict(one, None, CLIP, text="x").status_code == 403
        assert requests.get(one.url + "/ping", timeout=10).text == "pong"
    with running(settings=("api.access=keys", "compat.immich=on", "compat.immich_clients=['127.0.0.1']")) as one:
        assert len(predict(one, photos["small_obama"]).json()["facial-recognition"]) == 1
        assert predict(one, None, CLIP, text="x").status_code == 501
        assert one.call("POST", "/api/detect", data=photos["small_obama"], headers={"Content-Type": "image/jpeg"}).status_code == 401
