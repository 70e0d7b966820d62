"""Pictures of taught faces, kept when the operator wants them: they show the face, and go when it goes."""
import asyncio
import io
import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from conftest import PREFIX, ROOT, jpeg, names, running
from PIL import Image
from store_contents import contents

sys.path.insert(0, str(ROOT / "clients/python"))
from vultus import AsyncClient, Client, Refused  # noqa: E402

KEEPS = ("worker.keep_pictures=true",)


@pytest.fixture(scope="module")
def keeping():
    with running(settings=KEEPS) as one:
        yield one


def picture(service, label, face_id):
    return service.call("GET", f"/api/faces/{quote(label, safe='')}/{face_id}/picture")


def faces(service, label):
    answer = service.call("GET", f"/api/faces/{quote(label, safe='')}")
    return answer.json()["faces"] if answer.status_code == 200 else []


def people(service):
    return {row["label"]: row.get("picture_face_id") for row in service.call("GET", "/api/faces").json()["faces"]}


def places(store, wanted):
    """Names of the keys that hold these bytes."""
    return {key.decode() for key, values in contents(store).items() if any(wanted in part for part in values)}


def framed(file):
    """The picture of a face as a photo in which hog finds it."""
    photo = Image.new("RGB", (700, 700), (128, 128, 128))
    picture = Image.open(io.BytesIO(file))
    photo.paste(picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.BICUBIC), (90, 90))
    return jpeg(photo)


def test_a_picture_shows_the_face_it_belongs_to(keeping, photos):
    nobody = jpeg(Image.new("RGB", (99, 99)))
    keeping.train("a/b ü", photos["small_obama"], nobody, photos["obama3"])
    keeping.train("joe", photos["small_biden"])
    for label, count in (("a/b ü", 2), ("joe", 1)):
        rows = faces(keeping, label)
        assert len(rows) == count and all(row["picture"] for row in rows)
        assert people(keeping)[label] == rows[0]["face_id"]
        for row in rows:
            answer = picture(keeping, label, row["face_id"])
            assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/jpeg"
            assert answer.headers["Cache-Control"] == "private, no-store"
            shown = Image.open(io.BytesIO(answer.content))
            box = row["box"]
            side = 1.6 * max(box["right"] - box["left"] + 1, box["bottom"] - box["top"] + 1)
            assert (shown.format, shown.mode) == ("JPEG", "RGB") and max(shown.size) <= min(256, side + 2)
            assert max(shown.size) >= 0.6 * min(256, side) and len(answer.content) <= 32768
            seen = keeping.recognize(framed(answer.content))
            assert names(seen) == [label]
            nearest = seen["faces"][0]["candidates"][0]
            assert nearest["face_id"] == row["face_id"] and nearest["distance"] < 0.3
    assert picture(keeping, "joe", faces(keeping, "a/b ü")[0]["face_id"]).status_code == 404
    assert keeping.call("HEAD", f"/api/faces/joe/{faces(keeping, 'joe')[0]['face_id']}/picture").content == b""
    assert keeping.fsck() == []
    keeping.clear()


def change(service, method, path, **form):
    job = service.call(method, path, data=form or None, headers={"Prefer": "wait=30"}).json()
    assert service.finish(job)["state"] == "succeeded"


def test_a_picture_goes_when_its_face_goes(keeping, photos):
    store = keeping.redis()
    keeping.train("Ann", photos["small_obama"], photos["obama3"])
    keeping.train("Bob", photos["small_biden"])
    [first, second], [bob] = faces(keeping, "Ann"), faces(keeping, "Bob")
    held = {}
    for label, row in (("Ann", first), ("Ann", second), ("Bob", bob)):
        held[row["face_id"]] = picture(keeping, label, row["face_id"]).content
        where = places(store, held[row["face_id"]])
        assert len(where) == 1 and where.pop().endswith(":pictures"), "and in no answer of a job"

    def gone(label, row):
        assert picture(keeping, label, row["face_id"]).status_code == 404
        assert places(store, held[row["face_id"]]) == set()
        assert keeping.fsck() == []

    change(keeping, "DELETE", f"/api/faces/Ann/{first['face_id']}")
    gone("Ann", first)
    assert people(keeping)["Ann"] == second["face_id"]
    change(keeping, "POST", "/api/rename", label="Ann", label_to="Cid")
    assert picture(keeping, "Ann", second["face_id"]).status_code == 404
    assert picture(keeping, "Cid", second["face_id"]).content == held[second["face_id"]]
    change(keeping, "POST", "/api/merge", label="Bob", label_to="Cid")
    assert picture(keeping, "Cid", bob["face_id"]).content == held[bob["face_id"]]
    change(keeping, "DELETE", "/api/faces/Cid")
    gone("Cid", second)
    gone("Cid", bob)
    for method, path in (("POST", "/api/clear"), ("DELETE", "/api/collections/default")):
        keeping.train("Ann", photos["small_obama"])
        [row] = faces(keeping, "Ann")
        held[row["face_id"]] = picture(keeping, "Ann", row["face_id"]).content
        assert len(places(store, held[row["face_id"]])) == 1
        change(keeping, method, path)
        gone("Ann", row)
    assert list(store.scan_iter(f"{PREFIX}gallery:*:pictures")) == []


def test_an_export_has_no_picture(keeping, photos, tmp_path):
    keeping.train("Ann", photos["small_obama"])
    [row] = faces(keeping, "Ann")
    held = picture(keeping, "Ann", row["face_id"]).content
    ctl = [os.path.join(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"), "vultusctl"), "--data", str(keeping.data)]
    file = tmp_path / "faces"
    subprocess.run([*ctl, "export", str(file)], check=True)
    assert b"Ann" in file.read_bytes() and b"JFIF" not in file.read_bytes() and held[:99] not in file.read_bytes()
    keeping.clear()
    subprocess.run([*ctl, "restore", str(file)], check=True)
    assert [one["picture"] for one in faces(keeping, "Ann")] == [False]
    assert picture(keeping, "Ann", row["face_id"]).status_code == 404
    assert names(keeping.recognize(photos["obama3"])) == ["Ann"] and keeping.fsck() == []
    keeping.clear()


def test_the_python_client_has_it(keeping, photos):
    with Client(keeping.url) as client:
        client.train("a/b ü", photos["small_obama"])
        [person], [face] = client.people(), client.faces("a/b ü")
        assert person.picture_face_id == face.face_id and face.picture
        held = client.face_picture("a/b ü", face.face_id)
        assert held == picture(keeping, "a/b ü", face.face_id).content
        client.forget("a/b ü")
        with pytest.raises(Refused) as refused:
            client.face_picture("a/b ü", face.face_id)
        assert refused.value.code == "not_found"

    async def story():
        async with AsyncClient(keeping.url) as client:
            await client.train("joe", photos["small_biden"])
            [face] = await client.faces("joe")
            return await client.face_picture("joe", face.face_id)
    assert max(Image.open(io.BytesIO(asyncio.run(story()))).size) <= 256
    keeping.clear()


def test_as_it_comes_no_picture_is_kept(shared_service, photos):
    shared_service.train("Ann", photos["small_obama"], photos["small_biden"])
    store = shared_service.redis()
    rows = faces(shared_service, "Ann")
    assert [row["picture"] for row in rows] == [False, False] and people(shared_service) == {"Ann": None}
    for row in rows:
        answer = picture(shared_service, "Ann", row["face_id"])
        assert answer.status_code == 404 and answer.json()["type"] == "/problems/not_found"
    assert list(store.scan_iter(f"{PREFIX}gallery:*:pictures")) == []
    assert places(store, b"JFIF") == set()
