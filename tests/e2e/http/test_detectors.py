"""The detectors `centerface` and `yunet` from request to answer. CenterFace's file is on every machine; YuNet's decoding is
tried with tensors made by hand (tests/workers/engine/faces), so that here it may be the one that is missing."""
import io
import shutil

import pytest
from conftest import ROOT, Service, jpeg, names, wait_until
from PIL import Image


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One whose worker has no file of yunet."""
    folder = tmp_path_factory.mktemp("detectors")
    models = folder / "models"
    models.mkdir()
    for path in (ROOT / "build/models").iterdir():
        if not path.name.startswith("yunet"):
            shutil.copy(path, models)
    started = Service(folder, settings=[f"worker.models={models}"]).wait_ready()
    yield started
    assert started.stop() == 0


def picture(photo):
    return Image.open(io.BytesIO(photo)).convert("RGB")


def test_a_person_taught_with_one_detector_is_known_with_the_other(service, photos):
    service.train("obama", photos["obama"], collection="two")
    service.train("biden", photos["biden"], collection="two", detector="centerface")
    for name, detector in (("obama2", "hog"), ("obama2", "centerface"), ("obama3", "centerface"), ("biden", "hog")):
        found = service.recognize(photos[name], collection="two", detector=detector, min_face_px=100)
        assert names(found) == [name.rstrip("23")], (name, detector)
        assert (found["models"]["detector"], found["min_face_px"]) == (detector, 100)
        assert "min_face_px_raised" not in found


def test_small_faces_of_a_large_photo(service, photos):
    face = picture(photos["obama2"]).resize((196, 375))  # 100 px of face
    crowd = Image.new("RGB", (4032, 3024), (110, 115, 120))
    for k in range(40):
        crowd.paste(face, (60 + k % 8 * 500, 100 + k // 8 * 580))
    found = service.recognize(jpeg(crowd), detector="centerface")
    assert (len(found["faces"]), found["min_face_px"]) == (40, 40)
    assert "min_face_px_raised" not in found
    by_hog = service.recognize(jpeg(crowd))
    assert (by_hog["min_face_px"], by_hog["min_face_px_raised"]) == (162, True)
    assert len(by_hog["faces"]) < 40


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_a_photo_that_lies_on_its_side(service, photos, turn):
    service.train("obama", photos["obama"], collection="turned", detector="centerface")
    lying = picture(photos["obama2"]).transpose(turn)
    [face] = service.recognize(jpeg(lying), collection="turned", detector="centerface", rotate="true", min_face_px=80)["faces"]
    assert (face["status"], face["label"]) == ("known", "obama")
    x, y = ((face["box"][low] + face["box"][high] + 1) / 2 for low, high in (("left", "right"), ("top", "bottom")))
    middle = {Image.Transpose.ROTATE_90: (440, 626 - 343), Image.Transpose.ROTATE_180: (626 - 343, 1200 - 440),
              Image.Transpose.ROTATE_270: (1200 - 440, 343)}[turn]
    assert (x, y) == pytest.approx(middle, abs=25)


def test_a_detector_whose_file_is_missing_is_waited_for_by_name(service, photos):
    for path, form in (("/api/recognize", {}), ("/api/train", {"name": "a", "collection": "missing"})):
        answer = service.call("POST", path, files={"file": ("a.jpg", photos["small_obama"])}, data={"detector": "yunet", **form})
        assert answer.status_code == 202, answer.text
        job = f"/api/jobs/{answer.json()['id']}"
        wait_until(lambda job=job: service.call("GET", job).json().get("waits_for") == "yunet", what="a job that waits")
        assert service.call("GET", job).json()["state"] == "delayed"
        assert service.call("DELETE", job).status_code in (200, 202)
    answer = service.call("POST", "/api/recognize", params={"durable": "false", "detector": "yunet"},
                          files={"file": photos["small_obama"]})
    assert (answer.status_code, answer.json()["detail"]) == (503, "No connected worker has the model yunet")


def test_what_the_detectors_cannot_do_is_refused_at_once(service, photos):
    for form, word in (({"detector": "yolo"}, "centerface or yunet"), ({"rotate": "true"}, "detector=centerface"),
                       ({"rotate": "90", "detector": "centerface"}, "rotate must be true or false")):
        answer = service.call("POST", "/api/recognize", files={"file": photos["small_obama"]}, data=form)
        assert answer.status_code == 400 and word in answer.text, answer.text
