"""The quality of faces in every answer, and the gate of a train: bad photos and somebody else's face are refused, each with
its reason; a name is told only to who may read names."""
import io
import sys

import pytest
from conftest import ROOT, before_start, jpeg, started
from PIL import Image, ImageEnhance, ImageFilter

sys.path.insert(0, str(ROOT / "clients/python"))
from vultus import Client, JobFailed  # noqa: E402

MEASURES = {"score", "size_px", "sharpness", "brightness", "yaw", "pitch", "roll"}
GATED = "gated"


def opened(photo):
    return Image.open(io.BytesIO(photo)).convert("RGB")


@pytest.fixture(scope="module")
def bad(photos):
    """The same good portrait, made bad in one way each; the reason of each."""
    good = opened(photos["small_obama"])
    tiny = good.copy()
    tiny.thumbnail((good.width // 4, good.height // 4))
    return {
        "blurred": jpeg(good.filter(ImageFilter.GaussianBlur(4))),
        "too_small": jpeg(tiny, quality=95),
        "too_dark": jpeg(ImageEnhance.Brightness(good).enhance(0.13)),
        "too_bright": jpeg(good.point([225 + value * 30 // 255 for value in range(256)] * 3)),
    }


@pytest.fixture(scope="module")
def gallery(shared_service, photos):
    shared_service.train("Barack", photos["small_obama"], collection=GATED, quality="strict")
    return shared_service


def train(service, photo, name="Somebody", collection=GATED, **options):
    return service.submit("/api/train", [photo], name=name, collection=collection, min_face_px=20, **options)


def verdict_of(job):
    """The one verdict of a train that failed for its photo."""
    assert job["state"] == "failed" and job["error"]["code"] == "no_usable_photo", job
    [file] = job["error"]["files"]
    assert file["state"] == "refused" and job["error"]["detail"].endswith(file["reason"])
    return file


def test_each_face_of_an_answer_has_its_measures(gallery, photos):
    stored = gallery.recognize(photos["small_obama2"], collection=GATED)
    direct = gallery.call("POST", "/api/recognize", files=[("file", ("a.jpg", photos["small_obama2"]))],
                          data={"collection": GATED, "durable": "false"}).json()
    for answer in (stored, direct):
        [face] = answer["faces"]
        quality, box = face["quality"], face["box"]
        assert quality.keys() == MEASURES
        assert 0.3 < quality["score"] <= 1 and 0 < quality["sharpness"] <= 1 and 0.1 < quality["brightness"] < 0.9
        assert quality["size_px"] == pytest.approx(box["right"] - box["left"] + 1, abs=2)
        assert all(abs(quality[angle]) < 45 for angle in ("yaw", "pitch", "roll"))
    assert stored["faces"][0]["quality"] == direct["faces"][0]["quality"]


def test_the_detectors_agree(gallery, photos):
    one, other = (gallery.recognize(photos["small_obama2"], collection=GATED, detector=detector)["faces"][0]["quality"]
                  for detector in ("hog", "centerface"))
    assert other["size_px"] == pytest.approx(one["size_px"], rel=0.25)
    assert other["brightness"] == pytest.approx(one["brightness"], abs=0.1)
    assert other["roll"] == pytest.approx(one["roll"], abs=10)


def test_a_turned_photo_has_its_roll(gallery, photos):
    good = opened(photos["small_obama"])
    for angle in (-15, 15):
        turned = gallery.recognize(jpeg(good.rotate(-angle, fillcolor=(90, 90, 90))), detector="centerface",
                                   collection=GATED)["faces"][0]["quality"]
        straight = gallery.recognize(jpeg(good), detector="centerface", collection=GATED)["faces"][0]["quality"]
        assert turned["roll"] - straight["roll"] == pytest.approx(angle, abs=5)


@pytest.mark.parametrize("reason", ["blurred", "too_small", "too_dark", "too_bright"])
def test_a_bad_photo_is_refused_with_its_reason(gallery, bad, reason):
    for level in ("standard", "strict"):
        file = verdict_of(train(gallery, bad[reason], quality=level))
        assert file["reason"] == reason and f"quality={level} requires at" in file["detail"], file
        assert file["quality"].keys() == MEASURES and "face_id" not in file
    job = train(gallery, bad[reason], "Bad", f"{GATED}-off")  # without a gate as ever
    assert job["state"] == "succeeded" and job["result"]["files"][0]["quality"].keys() == MEASURES


def test_somebody_elses_face_is_refused_and_one_s_own_is_not(gallery, photos):
    file = verdict_of(train(gallery, photos["small_obama2"], "Joe", quality="standard"))
    assert file["reason"] == "looks_like_other" and "belongs to another person" in file["detail"]
    other = file["other"]
    assert other["label"] == "Barack" and other["person_id"] and "name_shared" not in other
    assert 0 < other["distance"] < 0.4 and 0.5 < other["similarity"] <= 1
    own = train(gallery, photos["small_obama2"], "Barack", quality="strict")
    assert own["state"] == "succeeded", own
    other_person = train(gallery, photos["small_biden"], "Joe", quality="standard")
    assert other_person["state"] == "succeeded", other_person
    assert train(gallery, photos["small_obama3"], "Joe")["state"] == "succeeded", "no gate"


def test_a_bad_photo_costs_only_itself_and_the_score_is_kept(gallery, photos, bad):
    job = gallery.submit("/api/train", [bad["blurred"], photos["small_biden"]], name="Joseph", collection="mixed",
                         quality="strict")
    assert job["state"] == "succeeded", job
    first, second = job["result"]["files"]
    assert first["reason"] == "blurred" and second["state"] == "accepted"
    [face] = gallery.call("GET", "/api/faces/Joseph", params={"collection": "mixed"}).json()["faces"]
    assert face["face_id"] == second["face_id"] and face["quality_score"] == second["quality"]["score"]


def test_a_listing_has_no_verdicts(gallery, bad):
    job = train(gallery, bad["blurred"], quality="strict")
    row = next(row for row in gallery.call("GET", "/api/jobs", params={"state": "failed"}).json()["jobs"]
               if row["id"] == job["id"])
    assert row["error"] == {"code": "no_usable_photo", "detail": job["error"]["detail"]}


@pytest.mark.parametrize("level", ["", "high", "STRICT", "1"])
def test_another_level_is_a_400_that_names_the_levels(gallery, photos, level):
    answer = gallery.call("POST", "/api/train", files=[("file", ("a.jpg", photos["small_obama"]))],
                          data={"name": "a", "quality": level})
    assert answer.status_code == 400 and answer.json()["type"] == "/problems/bad_option"
    assert "quality must be off, standard or strict" in answer.json()["detail"]


def test_the_python_client_has_it(gallery, photos, bad):
    with Client(gallery.url, GATED) as client:
        assert client.recognize(photos["small_obama2"]).faces[0].quality.score > 0.3
        with pytest.raises(JobFailed) as failed:
            client.train("Python", bad["blurred"], quality="strict")
        [photo] = failed.value.job.verdicts
        assert photo.reason == "blurred" and "Sharpness" in photo.detail and photo.quality.sharpness < 0.2
        with pytest.raises(JobFailed) as failed:
            client.train("Python", photos["small_obama2"], quality="strict")
        assert failed.value.job.verdicts[0].other.label == "Barack"
        assert 0 < client.faces("Barack")[0].quality_score <= 1


def key_of(folder, scopes):
    made = before_start(folder, "key", "create", "--scopes", scopes)
    assert made.returncode == 0, made.stdout + made.stderr
    return next(word for word in made.stdout.replace('"', " ").split() if word.startswith("vultus_"))


def test_a_name_is_for_who_may_read_names(tmp_path, photos):
    keys = {scopes: key_of(tmp_path, scopes) for scopes in ("train", "read,train,admin")}
    with started(tmp_path, settings=["api.access=keys"]) as service:
        def told(scopes, job):
            return service.call("GET", f"/api/jobs/{job}", headers={"Authorization": f"Bearer {keys[scopes]}"})

        def taught(scopes, name, photo):
            with Client(service.url, key=keys[scopes]) as client:
                try:
                    return client.train(name, photo, quality="standard")
                except JobFailed as failure:
                    return failure.job

        taught("train", "Barack", photos["small_obama"])
        job = taught("train", "Joe", photos["small_obama2"])
        [photo] = job.verdicts
        assert photo.reason == "looks_like_other" and photo.other.label is None
        assert "Barack" not in told("train", job.id).text
        [file] = told("read,train,admin", job.id).json()["error"]["files"]
        assert file["other"]["label"] == "Barack"
        with Client(service.url, key=keys["read,train,admin"]) as admin:
            admin.rename("Barack", "Barack Obama")
            [file] = told("read,train,admin", job.id).json()["error"]["files"]
            assert file["other"]["label"] == "Barack Obama", "the name is as current as the answer"
            admin.forget("Barack Obama")
        assert "Barack" not in told("read,train,admin", job.id).text
