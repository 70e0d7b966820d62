"""CompreFace v1: what its clients do, from the first subject to the last deletion."""
import io
import uuid

import pytest
import requests
from compreface_client import Compreface, base64_of, pair, picture
from conftest import jpeg, running
from PIL import Image


@pytest.fixture
def face(shared_service):
    client = Compreface(shared_service)
    yield client
    client.ok("DELETE", "/recognition/subjects")


def side_by_side(*photos):
    pictures = [Image.open(io.BytesIO(photo)).convert("RGB") for photo in photos]
    both = Image.new("RGB", (sum(one.width for one in pictures), max(one.height for one in pictures)))
    left = 0
    for one in pictures:
        both.paste(one, (left, 0))
        left += one.width
    return jpeg(both)


def test_the_flow_of_the_sdk(face, photos):
    assert face.subjects() == []
    assert face.add_subject("Barack") == {"subject": "Barack"}
    assert face.subjects() == ["Barack"]
    first = face.add("barack", photos["small_obama"])  # a name is looked up without case, and keeps its spelling
    assert first["subject"] == "Barack" and str(uuid.UUID(first["image_id"])) == first["image_id"]
    assert set(first) == {"image_id", "subject"}
    second = face.add("Barack", photos["small_obama3"])
    assert second["image_id"] != first["image_id"] and face.subjects() == ["Barack"]
    face.add("Joe", photos["small_biden"])
    [found] = face.recognise(photos["small_obama2"])["result"]
    assert [one["subject"] for one in found["subjects"]] == ["Barack"] and found["subjects"][0]["similarity"] > 0.5
    box = found["box"]
    assert set(box) == {"probability", "x_max", "y_max", "x_min", "y_min"} and 0.5 < box["probability"] <= 1
    assert all(isinstance(box[side], int) for side in ("x_max", "y_max", "x_min", "y_min"))
    [two] = face.recognise(photos["small_obama2"], prediction_count=2)["result"]
    assert [one["subject"] for one in two["subjects"]] == ["Barack", "Joe"]
    assert two["subjects"][0]["similarity"] > 0.5 > two["subjects"][1]["similarity"]
    verified = face.ok("POST", f"/recognition/faces/{first['image_id']}/verify", files=picture(photos["small_obama2"]))
    assert verified["result"][0]["subject"] == "Barack" and verified["result"][0]["similarity"] > 0.5
    other = face.ok("POST", f"/recognition/faces/{first['image_id']}/verify", files=picture(photos["small_biden"]))
    assert other["result"][0]["similarity"] < 0.5
    assert face.ok("PUT", "/recognition/subjects/Barack", json={"subject": "President", "more": 1}) == {"updated": True}
    assert face.subjects() == ["Joe", "President"]
    ids = {one["image_id"]: one["subject"] for one in face.faces()["faces"]}
    assert ids[first["image_id"]] == ids[second["image_id"]] == "President"
    assert face.ok("PUT", "/recognition/subjects/Joe", json={"subject": "President"}) == {"updated": True}  # merged
    assert face.subjects() == ["President"] and face.faces()["total_elements"] == 3
    gone = face.ok("DELETE", f"/recognition/faces/{second['image_id']}")
    assert gone == {"image_id": second["image_id"], "subject": "President"}
    assert face.ok("DELETE", "/recognition/subjects/president") == {"subject": "President"}
    assert face.subjects() == [] and face.faces()["faces"] == []
    assert face.recognise(photos["small_obama"])["result"][0]["subjects"] == []  # nobody is taught


def test_faces_come_in_pages_and_go_by_list(face, photos):
    for name, photo in (("A", "small_obama"), ("A", "small_obama2"), ("B", "small_obama3"), ("C", "small_biden")):
        face.add(name, photos[photo])
    everything = face.faces()
    assert (everything["page_number"], everything["page_size"]) == (0, 20)
    assert (everything["total_pages"], everything["total_elements"]) == (1, 4)
    assert [one["subject"] for one in everything["faces"]] == ["A", "A", "B", "C"]
    pages = [face.faces(page=page, size=3) for page in (0, 1, 2)]
    assert [len(one["faces"]) for one in pages] == [3, 1, 0] and pages[0]["total_pages"] == 2
    assert pages[0]["faces"] + pages[1]["faces"] == everything["faces"]
    assert [one["subject"] for one in face.faces(subject="b")["faces"]] == ["B"]
    assert face.faces(subject="Nobody")["total_elements"] == 0
    ids = [one["image_id"] for one in everything["faces"]]
    deleted = face.ok("POST", "/recognition/faces/delete", json=[ids[1], str(uuid.uuid4()), ids[3], ids[3]])
    assert deleted == [everything["faces"][1], everything["faces"][3]]  # an array; what is not there is left out
    assert face.ok("DELETE", "/recognition/faces", params={"subject": "Nobody"}) == {"deleted": 0}
    assert face.ok("DELETE", "/recognition/faces", params={"subject": "A"}) == {"deleted": 1}
    assert face.subjects() == ["B"]
    assert face.ok("DELETE", "/recognition/faces") == {"deleted": 1} and face.subjects() == []


def test_what_was_deleted_is_named_no_more(face, photos):
    for _ in range(3):
        face.add("Barack", photos["small_obama"])
        face.ok("DELETE", "/recognition/faces", params={"subject": "Barack"})
        assert face.recognise(photos["small_obama2"])["result"][0]["subjects"] == []


def test_the_same_photo_again_is_the_same_face(face, photos):
    assert face.add("Barack", photos["small_obama"]) == face.add("Barack", photos["small_obama"])
    assert face.faces()["total_elements"] == 1


def test_subjects_without_a_face(face, photos):
    face.add_subject("Zoë")
    assert face.ok("PUT", "/recognition/subjects/Zo%C3%AB", json={"subject": "Zoe"}) == {"updated": True}
    assert face.subjects() == ["Zoe"]
    assert face.ok("PUT", "/recognition/subjects/Zoe", json={"subject": "Zoe"}) == {"updated": False}
    assert face.ok("PUT", "/recognition/subjects/Zoe", json={"subject": ""}) == {"updated": False}
    assert face.ok("DELETE", "/recognition/subjects/Zoe") == {"subject": "Zoe"} and face.subjects() == []
    face.add_subject("Ada")
    face.add("Barack", photos["small_obama"])
    assert face.ok("DELETE", "/recognition/subjects") == {"deleted": 2}


def test_plugins_status_and_thresholds(face, photos):
    face.add("Barack", photos["small_obama"])
    answer = face.ok("POST", "/recognition/recognize?&limit=0&det_prob_threshold=&status=True&threshold="
                     "&face_plugins=landmarks,gender,age,mask,pose,calculator&whatever=1", files=picture(photos["small_obama2"]))
    [found] = answer["result"]
    assert len(found["embedding"]) == 128 and "gender" not in found and "age" not in found
    assert set(found["execution_time"]) == {"detector", "calculator"}
    assert answer["plugins_versions"]["calculator"].startswith("dlib")
    crowd = side_by_side(photos["small_obama2"], photos["small_biden"])
    assert len(face.recognise(crowd)["result"]) == 2
    assert len(face.recognise(crowd, limit=1)["result"]) == 1
    assert face.call("POST", "/recognition/recognize", params={"det_prob_threshold": "0.99999"},
                     files=picture(photos["small_obama2"])).json()["code"] == 28
    # Parameters of a form count as those of the query do.
    answer = requests.post(face.root + "/recognition/recognize", files=picture(crowd), data={"limit": "1"},
                           headers={"x-api-key": face.key}, timeout=60)
    assert len(answer.json()["result"]) == 1


def test_detection_and_verification_services(face, photos):
    assert [set(one) for one in face.ok("POST", "/detection/detect", files=picture(photos["small_biden"]))["result"]] == [{"box"}]
    [found] = face.ok("POST", "/detection/detect?face_plugins=calculator", files=picture(photos["small_biden"]))["result"]
    assert len(found["embedding"]) == 128
    [same] = face.ok("POST", "/verification/verify", files=pair(photos["small_obama"], photos["small_obama2"]))["result"]
    assert set(same["source_image_face"]) == {"box"} and same["face_matches"][0]["similarity"] > 0.5
    [other] = face.ok("POST", "/verification/verify", files=pair(photos["small_obama"], photos["small_biden"]))["result"]
    assert other["face_matches"][0]["similarity"] < 0.5
    crowd = side_by_side(photos["small_biden"], photos["small_obama2"])
    [several] = face.ok("POST", "/verification/verify", files=pair(photos["small_obama"], crowd))["result"]
    first, second = (one["similarity"] for one in several["face_matches"])
    assert first > 0.5 > second and first == pytest.approx(same["face_matches"][0]["similarity"], abs=0.2)
    assert face.call("POST", "/verification/verify", files=pair(crowd, photos["small_obama"])).json()["code"] == 31
    limited = face.call("POST", "/verification/verify?limit=1", files=pair(crowd, photos["small_obama"]))
    assert limited.status_code == 200 and len(limited.json()["result"]) == 1


def test_base64_in_json(face, photos):
    added = face.ok("POST", "/recognition/faces?subject=Barack", 201, json={"file": base64_of(photos["small_obama"])})
    [found] = face.ok("POST", "/recognition/recognize", json={"file": base64_of(photos["small_obama2"]), "x": None})["result"]
    assert found["subjects"][0]["subject"] == "Barack"
    assert face.ok("POST", f"/recognition/faces/{added['image_id'].upper()}/verify", json={"file": base64_of(photos["small_obama2"])})
    body = {"source_image": base64_of(photos["small_obama"]), "target_image": base64_of(photos["small_biden"])}
    assert face.ok("POST", "/verification/verify", json=body)["result"][0]["face_matches"][0]["similarity"] < 0.5


def test_embeddings(face, photos):
    image = face.add("Barack", photos["small_obama"])["image_id"]
    face.add("Joe", photos["small_biden"])
    vectors = [face.ok("POST", "/detection/detect?face_plugins=calculator", files=picture(photos[name]))["result"][0]["embedding"]
               for name in ("small_biden", "small_obama2")]
    named = face.ok("POST", "/recognition/embeddings/recognize", json={"embeddings": vectors})["result"]
    assert [one["similarities"][0]["subject"] for one in named] == ["Joe", "Barack"] and named[0]["embedding"] == vectors[0]
    checked = face.ok("POST", f"/recognition/embeddings/faces/{image}/verify", json={"embeddings": vectors})["result"]
    assert checked[0]["embedding"] == vectors[1] and checked[0]["similarity"] > 0.5 > checked[1]["similarity"]
    pairs = face.ok("POST", "/verification/embeddings/verify", json={"source": vectors[1], "targets": vectors})["result"]
    assert [one["embedding"] for one in pairs] == vectors[::-1] and pairs[0]["similarity"] > 0.99


def test_pictures_are_bytes(face, photos, shared_service):
    image = face.add("Barack", photos["small_obama"])["image_id"]
    path = f"/recognition/faces/{image}/img"
    answer = face.call("GET", path)
    assert (answer.status_code, answer.content) == (200, b"")  # this collection keeps none
    assert shared_service.call("POST", "/api/collections/default/pictures", data={"keep": "true"}).status_code == 200
    try:
        image = face.add("Barack", photos["small_obama2"])["image_id"]
        answer = face.call("GET", f"/recognition/faces/{image}/img")
        assert answer.headers["Content-Type"] == "application/octet-stream" and answer.content.startswith(b"\xff\xd8")
        assert "no-store" in answer.headers["Cache-Control"]
        assert face.call("GET", f"/recognition/faces/{uuid.uuid4()}/img").content == b""
    finally:
        shared_service.call("DELETE", "/api/collections/default/pictures")


def test_ids_of_photos_taught_natively_and_of_restored_faces(face, photos, shared_service, tmp_path):
    import subprocess

    from test_access import PROGRAMS
    shared_service.train("Barack", photos["small_obama"], photos["small_obama2"], photos["small_obama3"])
    before = face.faces()["faces"]
    assert len({one["image_id"] for one in before}) == 3
    file = tmp_path / "faces.json"

    def ctl(*words):
        done = subprocess.run([PROGRAMS / "vultusctl", "--data", shared_service.data, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    ctl("export", str(file))
    face.ok("DELETE", "/recognition/subjects")
    assert face.faces()["faces"] == []
    ctl("restore", str(file))
    assert sorted(one["image_id"] for one in face.faces()["faces"]) == sorted(one["image_id"] for one in before)
    gone = face.ok("DELETE", f"/recognition/faces/{before[2]['image_id']}")
    assert gone["subject"] == "Barack" and face.faces()["total_elements"] == 2


def test_config_and_status_need_no_key(face):
    assert face.ok("GET", "/config", key=None) == {"clientMaxFileSize": 10485760, "clientMaxBodySize": 10485760}
    assert face.ok("GET", "/consistence/status", key=None)["dbIsInconsistent"] is False


def test_what_double_take_and_viseron_send(face, photos, shared_service):
    """Byte for byte: no Content-Type on the part, and a query that names plugins that are not here."""
    face.add("Barack", photos["small_obama"])
    body = (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a/b/still.JPG"\r\n\r\n'
            + photos["small_obama2"] + b"\r\n--x--\r\n")
    answer = requests.post(face.root + "/recognition/recognize?face_plugins=gender,age,mask&det_prob_threshold=0.8",
                           data=body, timeout=60, headers={"x-api-key": face.key, "Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 200 and "message" not in answer.json()
    assert answer.json()["result"][0]["subjects"][0]["subject"] == "Barack"
    assert face.call("DELETE", "/recognition/faces?subject=Barack", headers={"Content-Type": "application/json"}).json() == {"deleted": 1}


def test_off_is_off():
    with running(settings=("compat.compreface=off",)) as service:
        answer = service.call("GET", "/api/v1/recognition/subjects", headers={"x-api-key": str(uuid.uuid4())})
        assert answer.status_code == 404 and answer.headers["Content-Type"] == "application/problem+json"
        assert service.call("POST", "/v1/vision/face/list").status_code == 200
