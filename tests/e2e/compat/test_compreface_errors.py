"""CompreFace's errors, row by row: status, code, and always a body of {message, code}."""
import http.client
import json
import subprocess
import uuid

import pytest
import requests
from compreface_client import ANY_KEY, Compreface, base64_of, pair, picture
from conftest import jpeg, running, wait_until
from PIL import Image
from test_access import PROGRAMS

UNKNOWN = str(uuid.uuid4())
NAME = "/recognition/subjects"
FACES = "/recognition/faces?subject=Barack"
VERIFY = "/verification/verify"
VECTORS = "/recognition/embeddings/recognize"


@pytest.fixture(scope="module")
def face(shared_service, photos):
    client = Compreface(shared_service)
    client.image = client.add("Barack", photos["small_obama"])["image_id"]
    client.add_subject("Empty")
    return client


def refused(answer, status, code):
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    body = answer.json()
    assert set(body) == {"message", "code"} and body["code"] == code and body["message"], answer.text
    assert ANY_KEY not in answer.text
    return body["message"]


# method, path, what else, status, code
WITHOUT_PICTURES = [
    ("GET", NAME, {"key": None}, 400, 20),
    ("GET", NAME, {"key": ""}, 400, 20),
    ("GET", NAME, {"key": "not-a-uuid"}, 400, 26),
    ("GET", NAME, {"key": ANY_KEY + "0"}, 400, 26),
    ("GET", "/nothing", {}, 404, 0),
    ("GET", "/recognition//subjects", {}, 404, 0),
    ("PATCH", NAME, {}, 404, 0),
    ("PUT", NAME, {}, 404, 0),
    ("GET", "/recognition/recognize", {}, 404, 0),
    ("POST", NAME, {"json": {"subject": None}}, 400, 5),
    ("POST", NAME, {"json": {}}, 400, 5),
    ("POST", NAME, {"json": {"subject": " "}}, 400, 26),
    ("POST", NAME, {"json": {"subject": "x" * 51}}, 400, 26),
    ("POST", NAME, {"json": {"subject": "a/b"}}, 400, 36),
    ("POST", NAME, {"json": {"subject": "a;b"}}, 400, 36),
    ("POST", NAME, {"json": {"subject": "a\\b"}}, 400, 36),
    ("POST", NAME, {"json": {"subject": "a\tb\x01"}}, 400, 26),
    ("POST", NAME, {"json": {"subject": "barack"}}, 400, 43),
    ("POST", NAME, {"json": {"subject": "EMPTY"}}, 400, 43),
    ("POST", NAME, {"json": ["Ada"]}, 400, 0),
    ("POST", NAME, {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, 0),
    ("POST", NAME, {"data": {"subject": "Ada"}}, 400, 0),
    ("PUT", NAME + "/Nobody", {"json": {"subject": "Somebody"}}, 404, 42),
    ("PUT", NAME + "/Barack", {"json": {"subject": "a/b"}}, 400, 36),
    ("DELETE", NAME + "/Nobody", {}, 404, 42),
    ("DELETE", f"/recognition/faces/{UNKNOWN}", {}, 404, 44),
    ("DELETE", "/recognition/faces/1-2", {}, 400, 0),
    ("GET", "/recognition/faces/1-2/img", {}, 400, 0),
    ("GET", "/recognition/faces?page=x", {}, 400, 0),
    ("POST", "/recognition/faces/delete", {"json": ["1-2"]}, 400, 0),
    ("POST", "/recognition/faces/delete", {"json": {"ids": []}}, 400, 0),
    ("POST", FACES, {"files": {"other": ("a.jpg", b"x")}}, 400, 34),
    ("POST", FACES, {"files": {"file": (None, b"x")}}, 400, 21),
    ("POST", FACES, {"files": picture(b"x", "a.txt")}, 400, 21),
    ("POST", FACES, {"files": picture(b"x", "jpg")}, 400, 21),
    ("POST", FACES, {"files": picture(b"no picture at all")}, 400, 28),
    ("POST", FACES, {"files": picture(b"GIF89a...", "a.gif")}, 400, 28),
    ("POST", FACES, {"files": picture(b"")}, 400, 28),
    ("POST", FACES, {"json": {"file": None}}, 400, 5),
    ("POST", FACES, {"json": {"file": ""}}, 400, 5),
    ("POST", FACES, {"json": {}}, 400, 5),
    ("POST", FACES, {"json": {"file": "*"}}, 400, 21),
    ("POST", FACES, {"json": {"file": "data:image/jpeg;base64,AAAA"}}, 400, 21),
    ("POST", FACES, {"data": b"x", "headers": {"Content-Type": "image/jpeg"}}, 400, 0),
    ("POST", VERIFY, {"files": picture(b"x", field="source_image")}, 400, 34),
    ("POST", VERIFY, {"json": {"source_image": "AAAA"}}, 400, 5),
    ("POST", VECTORS, {"json": {}}, 400, 5),
    ("POST", VECTORS, {"json": {"embeddings": [[1.0]]}}, 400, 0),
    ("POST", VECTORS, {"json": {"embeddings": "x"}}, 400, 0),
    ("POST", f"/recognition/embeddings/faces/{UNKNOWN}/verify", {"json": {"embeddings": []}}, 400, 37),
    ("POST", "/verification/embeddings/verify", {"json": {"source": [1.0], "targets": []}}, 400, 37),
    ("POST", "/verification/embeddings/verify", {"json": {"targets": [[1.0]]}}, 400, 5),
]


@pytest.mark.parametrize("method, path, more, status, code", WITHOUT_PICTURES)
def test_each_row(face, method, path, more, status, code):
    refused(face.call(method, path, **more), status, code)


# of a photo that shows one face: path, status, code
WITH_A_PICTURE = [
    ("/recognition/faces", 400, 33),
    ("/recognition/faces?subject=", 400, 26),
    ("/recognition/faces?subject=" + "x" * 51, 400, 26),
    ("/recognition/recognize?limit=-1", 400, 26),
    ("/recognition/recognize?limit=x", 400, 0),
    ("/recognition/recognize?prediction_count=0", 400, 26),
    ("/recognition/recognize?status=perhaps", 400, 0),
    ("/recognition/recognize?det_prob_threshold=x", 400, 0),
    ("/recognition/recognize?det_prob_threshold=1.5", 400, 28),
    ("/detection/detect?limit=-1", 400, 26),
    (f"/recognition/faces/{UNKNOWN}/verify", 404, 44),
    ("/recognition/faces/1-2/verify", 400, 0),
]


@pytest.mark.parametrize("path, status, code", WITH_A_PICTURE)
def test_each_row_about_a_picture(face, photos, path, status, code):
    refused(face.call("POST", path, files=picture(photos["small_obama2"])), status, code)


def test_reasons_are_joined(face, photos):
    message = refused(face.call("POST", "/recognition/recognize?limit=-1&prediction_count=0", files=picture(photos["small_obama2"])), 400, 26)
    assert message.count("; ") == 2 and "limit" in message and "prediction_count" in message


def test_photos_without_one_face(face, photos):
    from test_compreface import side_by_side
    crowd = side_by_side(photos["small_obama2"], photos["small_biden"])
    wall = jpeg(Image.new("RGB", (320, 240), "grey"))
    refused(face.call("POST", FACES, files=picture(crowd)), 400, 31)
    for path in (FACES, "/recognition/recognize", "/detection/detect"):
        refused(face.call("POST", path, files=picture(wall)), 400, 28)
    refused(face.call("POST", VERIFY, files=pair(wall, photos["small_obama"])), 400, 28)
    refused(face.call("POST", VERIFY, files=pair(photos["small_obama"], wall)), 400, 28)
    refused(face.call("POST", VERIFY, json={"source_image": base64_of(wall), "target_image": base64_of(wall)}), 400, 28)


def test_of_embeddings_of_a_face_that_is_not_there(face, photos):
    vector = face.ok("POST", "/detection/detect?face_plugins=calculator", files=picture(photos["small_obama2"]))["result"][0]["embedding"]
    refused(face.call("POST", f"/recognition/embeddings/faces/{UNKNOWN}/verify", json={"embeddings": [vector]}), 404, 44)


def test_pages_of_other_sites_and_other_hosts(face):
    evil = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    refused(face.call("DELETE", NAME, headers=evil), 403, 0)
    refused(face.call("PUT", NAME + "/Barack", headers=evil, json={"subject": "x"}), 403, 0)
    refused(face.call("GET", NAME, headers={"Host": "evil.example"}), 421, 0)
    assert "Barack" in face.subjects()


def test_too_large_and_no_worker(face):
    refused(face.call("POST", FACES, files=picture(b"x" * (11 << 20))), 413, 0)


def test_a_bad_escape(face):
    raw = http.client.HTTPConnection("127.0.0.1", int(face.root.split(":")[2].split("/")[0]), timeout=30)
    raw.request("GET", "/api/v1/recognition/faces?subject=%zz", headers={"x-api-key": face.key})
    answer = raw.getresponse()
    assert answer.status == 400 and json.loads(answer.read())["code"] == 0


def test_options_is_204(face):
    answer = face.call("OPTIONS", NAME, key=None)
    assert answer.status_code == 204 and "POST" in answer.headers["Allow"]
    assert "PUT" in face.call("OPTIONS", NAME + "/x", key=None).headers["Allow"]


# ---- keys -----------------------------------------------------------------------------------

def ctl(service, *words, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, *words], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def compat_key(service, surface, collection, *more):
    return ctl(service, "compat", "key", "create", "--service", surface, "--collection", collection, *more).split()[0]


def settled(client, key):
    """An api knows a new key within a second, and then those that were made before it."""
    wait_until(lambda: client.call("GET", NAME, key=key).status_code == 200, 10, "the key")


@pytest.fixture(scope="module")
def keyed():
    on = [f"compat.{one}=on" for one in ("compreface", "deepstack", "nextcloud", "immich")]
    with running(settings=("api.access=keys", *on)) as service:
        yield service


def test_a_key_of_one_surface_opens_nothing_else(keyed, photos):
    face = Compreface(keyed)
    other, mine = compat_key(keyed, "deepstack", "door"), compat_key(keyed, "compreface", "door")
    assert uuid.UUID(mine).version == 4 and mine != other
    settled(face, mine)
    refused(face.call("GET", NAME, key=str(uuid.uuid4())), 404, 10)
    refused(face.call("GET", NAME, key=other), 404, 10)
    refused(face.call("POST", "/detection/detect", key=other, files=picture(photos["small_obama"])), 404, 10)
    refused(face.call("POST", VERIFY, key=other, files=pair(photos["small_obama"], photos["small_obama"])), 404, 10)
    refused(face.call("GET", NAME, key=None), 400, 20)
    for headers in ({"X-Api-Key": mine}, {"Authorization": f"Bearer {mine}"}):
        for method, path in (("GET", "/api/faces?collection=door"), ("GET", "/api/jobs"), ("POST", "/api/clear?collection=door")):
            assert keyed.call(method, path, headers=headers).status_code in (400, 401)
        assert keyed.call("POST", "/v1/vision/face/list", headers=headers).status_code == 401
        assert keyed.call("GET", "/open", headers=headers).status_code == 401
    assert keyed.call("POST", "/v1/vision/face/list", data={"api_key": mine}).status_code == 401
    assert keyed.call("POST", "/v1/vision/face/list", data={"api_key": other}).status_code == 200


def test_a_key_reaches_its_collection_only_and_ends(keyed, photos):
    here, there = Compreface(keyed, compat_key(keyed, "compreface", "here")), Compreface(keyed, compat_key(keyed, "compreface", "there"))
    settled(there, there.key)
    here.add("Barack", photos["small_obama"])
    assert here.subjects() == ["Barack"] and there.subjects() == []
    assert here.call("GET", NAME, key=here.key.upper()).status_code == 200
    image = here.faces()["faces"][0]["image_id"]
    refused(there.call("DELETE", f"/recognition/faces/{image}"), 404, 44)
    native = ctl(keyed, "key", "create", "--scopes", "read", "--collections", "here").split()[0]
    settled(here, native)
    assert here.ok("GET", NAME, key=native)["subjects"] == ["Barack"]
    refused(here.call("DELETE", NAME, key=native), 404, 10)  # without the scope
    listed = ctl(keyed, "key", "list")
    assert "compreface:read" in listed and here.key not in listed
    [ident] = [line.split()[0] for line in listed.splitlines() if " here " in line and "compreface:" in line]
    new = ctl(keyed, "key", "rotate", ident, "--overlap", "1s").split()[0]
    assert uuid.UUID(new).version == 4
    settled(here, new)
    wait_until(lambda: here.call("GET", NAME).status_code == 404, 10, "the end of the old key")
    audit = ctl(keyed, "audit")
    assert "train" in audit and here.key not in audit and new not in audit


def test_a_quota_counts_here_too(keyed):
    face = Compreface(keyed, compat_key(keyed, "compreface", "few", "--quota", "3/min"))
    settled(face, face.key)
    answers = [face.call("GET", NAME) for _ in range(4)]
    refused(answers[-1], 429, 41)
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_command_line_is_checked(keyed):
    assert "--service must be" in ctl(keyed, "compat", "key", "create", "--service", "immich", "--collection", "a", code=1)
    assert "one collection" in ctl(keyed, "compat", "key", "create", "--service", "compreface", "--collection", "*", code=1)
    assert "one collection" in ctl(keyed, "compat", "key", "create", "--service", "compreface", "--collection", "a,b", code=1)


def test_without_the_setting_nothing_is_there_where_keys_are_required():
    with running(settings=("api.access=keys",)) as service:
        for method, path in (("GET", "/api/v1/config"), ("POST", "/v1/vision/face"), ("GET", "/ping"), ("GET", "/welcome")):
            assert requests.request(method, service.url + path, timeout=30).status_code in (404, 405)
