"""Bad input gets a clear error, and nothing is lost or left behind by it."""
import io
import json
import os
import signal
import socket
import time

import pytest
import pictures
from conftest import PREFIX, jpeg, names, running, wait_until
from PIL import Image


@pytest.fixture(autouse=True)
def nothing_is_left(shared_service):
    yield
    store = shared_service.redis()
    assert shared_service.fsck() == []
    assert not list(store.scan_iter(f"{PREFIX}job:*:image:*"))


def problem(answer, status, name):
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert body["type"] == f"/problems/{name}" and body["status"] == status and body["detail"]
    return body


def outcome(answer):
    """How a photo was refused: the problem at once, or the error of the finished job."""
    if answer.status_code in (200, 202):
        return answer.json()
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
    return answer.json()["type"].rsplit("/", 1)[1]


def recognize(service, photo, **params):
    return service.call("POST", "/api/recognize", data=photo, params=params,
                        headers={"Content-Type": "application/octet-stream", "Prefer": "wait=30"})


GREY = Image.new("RGB", (320, 240), (120, 130, 140))


@pytest.mark.parametrize("photo, status, name", [
    (b"", 400, "malformed"),
    (b"this is no picture, it is text", 415, "unsupported_media"),
    (b"GIF89a" + b"\0" * 60, 415, "unsupported_media"),
    (jpeg(GREY)[:400], 422, "truncated_image"),
    (pictures.png(60_000, 60_000), 413, "too_large"),
    (pictures.png(30_000, 30_000), 413, "too_large"),
    (pictures.png(0, 10), 422, "undecodable_image"),
])
def test_a_broken_photo_is_refused_at_once(shared_service, photo, status, name):
    problem(recognize(shared_service, photo), status, name)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_forty_million_pixels_and_one_more(shared_service, kind):
    def picture(width, height):
        if kind == "PNG":
            return pictures.blank_png(width, height)
        return pictures.blank(width, height, kind, quality=1)
    fits = recognize(shared_service, picture(8000, 5000))
    assert fits.status_code in (200, 202), fits.text
    assert shared_service.finish(fits.json())["state"] == "succeeded"
    problem(recognize(shared_service, picture(8001, 5000)), 413, "too_large")


@pytest.mark.parametrize("photo", [
    pictures.jpeg_with_second_frame_header(GREY),
    pictures.jpeg_with_scans(GREY, 5_000),
    pictures.webp_with_other_canvas(GREY, 10_000, 3_000),
    pictures.webp_with_other_canvas(GREY, 64, 64),
    pictures.png(64, 64, b"\0" * 40),
], ids=["second SOF", "5,000 scans", "canvas too large", "canvas too small", "no zlib"])
def test_a_bomb_fails_with_a_reason(shared_service, photo):
    answer = recognize(shared_service, photo)
    found = outcome(answer)
    if isinstance(found, dict):
        job = shared_service.finish(found)
        assert job["state"] == "failed", job
        found = job["error"]["code"]
    assert found in ("undecodable_image", "truncated_image", "too_large")


def memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(("VmRSS", "VmHWM"))}


def test_bombs_do_not_grow_memory(shared_service):
    pids = shared_service.pids("vultus-worker") + shared_service.pids("vultus-api")
    recognize(shared_service, jpeg(GREY))
    before = {pid: memory(pid)["VmRSS"] for pid in pids}
    for pid in pids:
        with open(f"/proc/{pid}/clear_refs", "w") as reset:
            reset.write("5")
    problem(recognize(shared_service, pictures.png(30_000, 30_000)), 413, "too_large")
    profile = recognize(shared_service, pictures.png_with_profile(1 << 30))
    assert profile.status_code in (200, 202, 413, 422), profile.text
    if profile.status_code in (200, 202):
        shared_service.finish(profile.json())
    for pid in pids:
        assert memory(pid)["VmHWM"] - before[pid] < 50 * 1024, "kilobytes"


def test_unusual_photos_are_understood(shared_service, photos):
    picture = Image.open(io.BytesIO(photos["small_biden"])).convert("RGB")
    expected = shared_service.recognize(photos["small_biden"])["faces"]
    assert len(expected) == 1

    def saved(kind, shape=picture, **options):
        out = io.BytesIO()
        shape.save(out, kind, **options)
        return out.getvalue()
    sixteen = Image.new("I;16", picture.size)
    sixteen.putdata([value * 257 for value in picture.convert("L").getdata()])
    kinds = {
        "cmyk": saved("JPEG", picture.convert("CMYK"), quality=92),
        "grey": saved("JPEG", picture.convert("L"), quality=92),
        "progressive": saved("JPEG", progressive=True, quality=92),
        "png": saved("PNG"),
        "16 bit": saved("PNG", sixteen),
        "palette": saved("PNG", picture.quantize(256)),
        "webp": saved("WEBP", quality=90),
        "animated webp": saved("WEBP", save_all=True, append_images=[GREY.resize(picture.size)], quality=90),
    }
    for kind, data in kinds.items():
        result = shared_service.recognize(data)
        assert len(result["faces"]) == 1, kind
        assert abs(result["faces"][0]["box"]["left"] - expected[0]["box"]["left"]) < 30, kind
        assert result["image"].get("animated", False) == (kind == "animated webp")


@pytest.mark.parametrize("orientation, turn", [
    (1, None), (2, Image.Transpose.FLIP_LEFT_RIGHT), (3, Image.Transpose.ROTATE_180),
    (4, Image.Transpose.FLIP_TOP_BOTTOM), (5, Image.Transpose.TRANSPOSE), (6, Image.Transpose.ROTATE_90),
    (7, Image.Transpose.TRANSVERSE), (8, Image.Transpose.ROTATE_270)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation(shared_service, photos, orientation, turn, kind):
    upright = Image.open(io.BytesIO(photos["small_biden"])).convert("RGB")
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    stored.save(out, kind, exif=exif.tobytes(), quality=92)
    result = shared_service.recognize(out.getvalue())
    assert (result["image"]["width"], result["image"]["height"]) == upright.size
    assert len(result["faces"]) == 1


def test_training_wants_one_face(shared_service, photos):
    none = shared_service.submit("/api/train", [jpeg(GREY)], name="nobody")
    assert none["state"] == "failed" and none["error"]["code"] == "no_usable_photo"
    assert none["error"]["detail"] == "No usable photo: photo 1: no_face"
    pair = Image.new("RGB", (1280, 480))
    for left, name in ((0, "small_biden"), (640, "small_obama")):
        pair.paste(Image.open(io.BytesIO(photos[name])), (left, 0))
    both = shared_service.submit("/api/train", [jpeg(pair)], name="both")
    assert both["state"] == "failed" and "several_faces" in both["error"]["detail"]
    assert shared_service.call("GET", "/api/faces").json()["faces"] == []


def test_two_files_of_which_one_is_bad(shared_service, photos):
    for bad in (jpeg(GREY), b"no picture at all", photos["small_biden"][:300]):
        job = shared_service.submit("/api/train", [photos["small_biden"], bad], name="biden")
        assert job["state"] == "succeeded", job
        assert [file["state"] for file in job["result"]["files"]] == ["accepted", "refused"]
        assert job["result"]["files"][1]["reason"]
        shared_service.clear()


@pytest.mark.parametrize("form, status, name", [
    ({}, 422, "bad_label"),
    ({"name": ""}, 422, "bad_label"),
    ({"name": "x" * 201}, 422, "bad_label"),
    ({"name": "a\nb"}, 422, "bad_label"),
    ({"name": "a\u202eb"}, 422, "bad_label"),
    ({"name": ".."}, 422, "bad_label"),
    ({"name": b"\xff\xfe"}, 422, "bad_label"),
    ({"name": "x", "collection": "a/b"}, 400, "bad_collection"),
    ({"name": "x", "collection": "x" * 65}, 400, "bad_collection"),
    ({"name": "x", "min_face_px": "9"}, 400, "bad_option"),
    ({"name": "x", "detector": "eyes"}, 400, "bad_option"),
])
def test_a_bad_form(shared_service, photos, form, status, name):
    answer = shared_service.call("POST", "/api/train", files={"file": photos["small_biden"]}, data=form)
    problem(answer, status, name)


@pytest.mark.parametrize("label", [
    "x" * 200, "a/b", "a:b", "{0}", "*", "[a-z]?", "Zoë \U0001f600", "<script>alert(1)</script>", "a b%2Fc",
    "..a", "vultus:{0}:jobs", "'; FLUSHALL", "a\\b\"c"])
def test_any_name_works(shared_service, photos, label):
    from urllib.parse import quote
    shared_service.train(label, photos["small_biden"])
    assert names(shared_service.recognize(photos["small_biden"])) == [label]
    row, = shared_service.call("GET", "/api/faces").json()["faces"]
    assert (row["label"], row["count"]) == (label, 1)
    person = shared_service.call("GET", f"/api/faces/{quote(label, safe='')}")
    assert person.status_code == 200 and person.json()["label"] == label
    gone = shared_service.call("DELETE", "/api/faces", params={"label": label}, headers={"Prefer": "wait=30"})
    assert shared_service.finish(gone.json())["state"] == "succeeded"
    assert shared_service.call("GET", "/api/faces").json()["faces"] == []


def test_unknown_things(shared_service):
    unknown = "00000000-0000-7000-8000-000000000000"
    assert shared_service.call("GET", f"/api/jobs/{unknown}").status_code in (404, 410)
    future = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    problem(shared_service.call("GET", f"/api/jobs/{future}"), 404, "not_found")
    assert shared_service.call("GET", "/api/jobs/nonsense").status_code in (400, 404)
    problem(shared_service.call("GET", "/api/faces", params={"collection": "a:b"}), 400, "bad_collection")
    assert shared_service.call("GET", "/api/faces", params={"collection": "never"}).json()["faces"] == []
    problem(shared_service.call("GET", "/no/such/page"), 404, "not_found")
    wrong = shared_service.call("PUT", "/api/train")
    problem(wrong, 405, "method_not_allowed")
    assert "POST" in wrong.headers["Allow"]


def assert_photo_is_taken(service, **sent):
    headers = {"Prefer": "wait=30", **sent.pop("headers", {})}
    answer = service.call("POST", "/api/recognize", headers=headers, **sent)
    assert answer.status_code in (200, 202), answer.text
    found = answer.json()
    result = found if "faces" in found else service.finish(found)["result"]
    assert len(result["faces"]) == 1


def test_json_bodies(shared_service, photos):
    import base64
    good = {"image": base64.b64encode(photos["small_biden"]).decode()}
    answer = shared_service.call("POST", "/api/recognize", json=good, headers={"Prefer": "wait=30"})
    assert shared_service.finish(answer.json())["state"] == "succeeded"
    assert_photo_is_taken(shared_service, json={"image": "data:image/jpeg;base64," + good["image"]})
    assert_photo_is_taken(shared_service, json={"images": [good["image"]], "durable": "False"})
    url_safe = base64.urlsafe_b64encode(photos["small_biden"]).decode().rstrip("=")
    assert_photo_is_taken(shared_service, json={"photo": url_safe})
    lines = base64.encodebytes(photos["small_biden"]).decode()
    assert_photo_is_taken(shared_service, data=b"\xef\xbb\xbf" + json.dumps({"image": lines}).encode(),
                          headers={"Content-Type": "text/json; charset=utf-8"})
    for body in (b"{", b"[]", b'{"image": 7}', b'{"image": "***"}', b"[" * 100_000, b'{"image":"' + b"A" * 10):
        answer = shared_service.call("POST", "/api/recognize", data=body,
                                     headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 415, 422), f"{body[:20]} {answer.status_code} {answer.text}"


def test_a_flood_of_members_ends_at_the_first(shared_service):
    """What is read of it is one member; a tree of it held the api for minutes."""
    members = ",".join(f'"{n:08x}":1' for n in range(1 << 20))
    answer = shared_service.call("POST", "/api/recognize", data="{" + members + "}",
                                 headers={"Content-Type": "application/json"})
    assert '"00000000"' in problem(answer, 400, "bad_option")["detail"]
    assert shared_service.call("GET", "/healthz/live").status_code == 200


@pytest.mark.parametrize("field", ["image", "images[]", "photo", "files", "upload", "avatar"])
@pytest.mark.parametrize("name", ["café.jpg".encode("latin-1"), "能".encode("shift_jis"), b"a.jpg"])
def test_a_form_as_everybody_sends_it(shared_service, photos, field, name):
    body = (b'--b\r\nContent-Disposition: form-data; name="' + field.encode() + b'"; filename="' + name +
            b'"\r\nContent-Type: image/jpeg\r\n\r\n' + photos["small_biden"] + b"\r\n--b--\r\n")
    assert_photo_is_taken(shared_service, data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})


def test_a_compressed_body_is_refused_by_its_coding(shared_service, photos):
    import gzip
    answer = shared_service.call("POST", "/api/recognize", data=gzip.compress(photos["small_biden"]),
                                 headers={"Content-Type": "image/jpeg", "Content-Encoding": "gzip"})
    assert '"gzip"' in problem(answer, 415, "unsupported_media")["detail"]


def multipart(service, body, boundary="b"):
    return service.call("POST", "/api/recognize", data=body,
                        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})


def test_multipart_forms_that_are_wrong(shared_service, photos):
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    problem(multipart(shared_service, part + photos["small_biden"]), 400, "malformed")
    field = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n'
    assert multipart(shared_service, field * 10_000 + b"--b--\r\n").status_code in (400, 413)
    problem(multipart(shared_service, b"--b--\r\n"), 400, "malformed")
    problem(multipart(shared_service, b"x", boundary="b" * 71), 400, "malformed")
    two = (part + photos["small_biden"] + b"\r\n") * 2 + b"--b--\r\n"
    problem(multipart(shared_service, two), 400, "malformed")


def test_a_body_over_the_limit_is_refused_before_it_is_read(shared_service):
    with socket.create_connection(("127.0.0.1", shared_service.port), 10) as connection:
        connection.sendall(b"POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
                           b"Content-Length: 10485761\r\nExpect: 100-continue\r\n\r\n")
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 413") and b"Connection: close" in answer


def no_workers(service):
    status = service.call("GET", "/api/status").json()
    return status if status["workers"] == [] else None


def test_a_service_without_workers_says_why(photos):
    with running(workers=1) as service:
        [worker] = service.pids("vultus-worker")
        os.kill(worker, signal.SIGSTOP)
        status = wait_until(lambda: no_workers(service), 30, "the frozen worker to be missed")
        assert status["state"] == "degraded" and any("worker" in reason for reason in status["reasons"])
        answer = service.call("POST", "/api/recognize", files={"file": photos["small_biden"]})
        assert answer.status_code == 202
        direct = service.call("POST", "/api/recognize", params={"durable": "false"},
                              files={"file": photos["small_biden"]})
        problem(direct, 503, "no_worker")
        os.kill(worker, signal.SIGCONT)
        assert service.finish(answer.json())["state"] == "succeeded"


def test_a_full_queue_refuses_with_retry_after(photos):
    with running(settings=["api.queue_jobs_max=3"]) as service:
        [worker] = service.pids("vultus-worker")
        os.kill(worker, signal.SIGSTOP)
        wait_until(lambda: no_workers(service), 30, "the frozen worker to be missed")
        answers = [service.call("POST", "/api/recognize", files={"file": photos["small_biden"]})
                   for _ in range(12)]
        refused = [answer for answer in answers if answer.status_code != 202]
        os.kill(worker, signal.SIGCONT)
        assert len(refused) == 12 - 3, "the queue has a bound"
        for answer in refused:
            problem(answer, 503, "queue_full")
            assert int(answer.headers["Retry-After"]) >= 1
        for answer in answers:
            if answer.status_code == 202:
                assert service.finish(answer.json())["state"] == "succeeded"


def test_redis_away_is_503_at_once_and_recovers(photos):
    with running() as service:
        service.train("biden", photos["small_biden"])
        [redis] = service.pids("redis")
        os.kill(redis, signal.SIGSTOP)
        try:
            for _ in range(4):
                begin = time.monotonic()
                answer = service.call("POST", "/api/recognize", files={"file": photos["small_biden"]})
                # What was sent to a Redis that froze may run when it goes on: nobody can know yet.
                problem(answer, 503, "unknown_outcome")
                assert "Retry-After" in answer.headers
                # Redis has 900 ms; the rest is for a busy machine. Without that limit the answer would not come at all.
                assert time.monotonic() - begin < 3
        finally:
            os.kill(redis, signal.SIGCONT)

        def back():
            answer = service.call("POST", "/api/recognize", files={"file": photos["small_biden"]})
            return answer if answer.status_code == 202 else None
        job = service.finish(wait_until(back, 30, "the service to accept again").json())
        assert names(job["result"]) == ["biden"]
