"""The external model of Nextcloud's face recognition: raw descriptors of dlib, as the reference makes them."""
import json
import math

import requests
from conftest import jpeg, running, wait_until
from PIL import Image
from test_compreface_errors import compat_key


def detect(service, photo, key="x", path="/detect", **form):
    return requests.post(service.url + path, files={"file": ("a.jpg", photo)}, data=form, headers={"x-api-key": key}, timeout=60)


def distance(a, b):
    return math.dist(a["descriptor"], b["descriptor"])


def test_who_it_is(shared_service):
    assert requests.get(shared_service.url + "/health", timeout=10).text == "ok"
    welcome = requests.get(shared_service.url + "/welcome", timeout=10).json()
    assert welcome["facerecognition-external-model"] == "welcome" and welcome["model"] == 3
    assert requests.get(shared_service.url + "/open", timeout=10).json() == {"preferred_mimetype": "image/jpeg", "maximum_area": 8294400}


def test_descriptors_of_one_person_are_near(shared_service, photos):
    faces = []
    for name in ("small_obama", "small_obama2", "small_biden"):
        body = detect(shared_service, photos[name]).json()
        assert body["filename"] == "a.jpg" and body["faces-count"] == 1
        [face] = body["faces"]
        assert set(face) == {"detection_confidence", "left", "top", "right", "bottom", "landmarks", "descriptor"}
        assert len(face["descriptor"]) == 128 and len(face["landmarks"]) == 5 and set(face["landmarks"][0]) == {"x", "y"}
        faces.append(face)
    assert distance(faces[0], faces[1]) < 0.6 < distance(faces[0], faces[2])
    # Raw: not brought to length 1.
    assert abs(math.hypot(*faces[0]["descriptor"]) - 1) > 0.1


def test_compute_of_a_box(shared_service, photos):
    [face] = detect(shared_service, photos["small_obama"]).json()["faces"]
    box = {side: face[side] for side in ("left", "top", "right", "bottom")}
    body = detect(shared_service, photos["small_obama"], path="/compute", face=json.dumps(box)).json()
    assert body["face"]["descriptor"] == face["descriptor"] and body["face"]["left"] == face["left"]
    elsewhere = json.dumps({"left": 0, "top": 0, "right": 5, "bottom": 5})
    assert detect(shared_service, photos["small_obama"], path="/compute", face=elsewhere).status_code == 400


def test_what_is_refused(shared_service, photos):
    wide = jpeg(Image.new("RGB", (4000, 2200), "grey"))
    rows = [(detect(shared_service, wide), 412), (detect(shared_service, b"x"), 400),
            (requests.post(shared_service.url + "/detect", timeout=10), 400),
            (requests.get(shared_service.url + "/detect", timeout=10), 405),
            (detect(shared_service, photos["small_obama"], path="/compute"), 400),
            (detect(shared_service, photos["small_obama"], path="/compute", face="[]"), 400)]
    for answer, status in rows:
        assert answer.status_code == status and set(answer.json()) == {"error"}, answer.text
    assert detect(shared_service, jpeg(Image.new("RGB", (320, 240), "grey"))).json()["faces"] == []


def test_a_key_is_needed_where_keys_are():
    with running(settings=("api.access=keys", "compat.nextcloud=on", "compat.compreface=on")) as service:
        other, key = compat_key(service, "compreface", "cloud"), compat_key(service, "nextcloud", "cloud")
        get = lambda word: requests.get(service.url + "/open", headers={"x-api-key": word}, timeout=10)  # noqa: E731
        wait_until(lambda: get(key).status_code == 200, 10, "the key")
        for word in ("", "x", other):
            assert get(word).status_code == 401 and set(get(word).json()) == {"error"}
            assert detect(service, b"x", word).status_code == 401
        assert requests.get(service.url + "/health", timeout=10).text == "ok"
