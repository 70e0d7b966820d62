"""DeepStack's and CodeProject.AI's calls about faces: what their clients send, the errors row by row, and what is handed on."""
import io
import threading
import time

import pytest
import requests
from conftest import jpeg, running, wait_until
from PIL import Image
from test_compreface import side_by_side
from test_compreface_errors import compat_key
from upstream_server import BAD_ANSWERS, Upstream


class Deepstack:
    def __init__(self, service, key=""):
        self.root, self.key = service.url + "/v1/vision", key

    def call(self, path, files=None, headers=None, **form):
        return requests.post(self.root + path, files=files, headers=headers, timeout=60,
                             data={"api_key": self.key, **{name: value for name, value in form.items() if value is not None}})

    def ok(self, path, files=None, **form):
        answer = self.call(path, files, **form)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["success"] is True and body["duration"] == 0
        return body

    def register(self, name, *photos):
        # Clients name the parts as they like.
        return self.ok("/face/register", [(f"image{i}x", ("image", one)) for i, one in enumerate(photos)], userid=name)

    def recognise(self, photo, **form):
        return self.ok("/face/recognize", image(photo), **form)["predictions"]


def image(photo):
    return {"image": ("image", photo)}  # a part without a type, as deepstack-python sends it


@pytest.fixture
def deep(shared_service):
    client = Deepstack(shared_service)
    yield client
    for name in client.ok("/face/list")["faces"]:
        client.ok("/face/delete", userid=name)


def test_the_flow(deep, photos):
    assert deep.ok("/face/list")["faces"] == []
    assert deep.recognise(photos["small_obama"]) == [{**deep.recognise(photos["small_obama"])[0], "userid": "unknown", "confidence": 0}]
    assert deep.register("Barack", photos["small_obama"], photos["small_obama3"])["message"] == "face added"
    assert deep.register("Joe", photos["small_biden"])["message"] == "face added"
    assert deep.register("Barack", photos["small_obama"])["message"] == "face updated"
    assert deep.ok("/face/list")["faces"] == ["Barack", "Joe"]
    whole = deep.ok("/face/recognize", image(photos["small_obama2"]))
    [found] = whole["predictions"]
    assert found["userid"] == "Barack" and 0.67 < found["confidence"] <= 1
    assert set(found) == {"userid", "confidence", "x_min", "x_max", "y_min", "y_max"}
    assert all(isinstance(found[side], int) and found[side] >= 0 for side in ("x_min", "x_max", "y_min", "y_max"))
    assert whole["count"] == 1 and whole["message"] == "A face was recognised" and whole["inferenceMs"] >= 0
    crowd = deep.recognise(side_by_side(photos["small_obama2"], photos["small_biden"]))
    assert {one["userid"] for one in crowd} == {"Barack", "Joe"}
    # Less confidence than the service's own names nobody more; more confidence names fewer.
    assert deep.recognise(photos["small_obama2"], min_confidence="0.01")[0]["userid"] == "Barack"
    assert deep.recognise(photos["small_obama2"], min_confidence="0.9999")[0] == {**found, "userid": "unknown", "confidence": 0}
    for name in ("Barack", "Barack", "Nobody"):
        deep.ok("/face/delete", userid=name)
    assert deep.recognise(photos["small_obama2"])[0]["userid"] in ("unknown", "Joe")
    assert deep.ok("/face/list")["faces"] == ["Joe"]


def test_right_after_a_delete_nobody_is_named(deep, photos):
    for _ in range(3):
        deep.register("Barack", photos["small_obama"])
        assert deep.recognise(photos["small_obama2"])[0]["userid"] == "Barack"
        deep.ok("/face/delete", userid="Barack")
        assert deep.recognise(photos["small_obama2"])[0]["userid"] == "unknown"


def test_a_photo_of_several_teaches_the_largest(deep, photos):
    small = Image.open(io.BytesIO(photos["small_biden"])).convert("RGB")
    small.thumbnail((300, 300))
    deep.register("Barack", side_by_side(photos["small_obama"], jpeg(small)))
    assert deep.recognise(photos["small_obama2"])[0]["userid"] == "Barack"
    assert deep.recognise(photos["small_biden"])[0]["userid"] == "unknown"


def test_detect_and_match(deep, photos):
    [found] = deep.ok("/face", image(photos["small_obama"]))["predictions"]
    assert set(found) == {"confidence", "x_min", "x_max", "y_min", "y_max"} and found["confidence"] >= 0.55
    assert deep.ok("/face/", image(photos["small_obama"]))["predictions"] == [found]
    wall = jpeg(Image.new("RGB", (320, 240), "grey"))
    nothing = deep.ok("/face", image(wall))
    assert nothing["predictions"] == [] and nothing["message"] == "Found 0 faces"
    assert deep.ok("/face/recognize", image(wall))["predictions"] == []
    same = deep.ok("/face/match", {"image1": ("a", photos["small_obama"]), "image2": ("b", photos["small_obama2"])})
    other = deep.ok("/face/match", {"x": ("a", photos["small_obama"]), "y": ("b", photos["small_biden"])})
    assert same["similarity"] > 0.65 and other["similarity"] < 0.55


def test_list_and_delete_urlencoded(deep, photos, shared_service):
    deep.register("Barack", photos["small_obama"])
    answer = requests.post(shared_service.url + "/v1/vision/face/list", data="api_key=", timeout=30,
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.json()["faces"] == ["Barack"]
    assert requests.post(shared_service.url + "/v1/vision/face/list", timeout=30).json()["faces"] == ["Barack"]
    assert requests.post(shared_service.url + "/v1/vision/face/delete", data="userid=Barack", timeout=30,
                         headers={"Content-Type": "application/x-www-form-urlencoded"}).json()["success"] is True
    assert deep.ok("/face/list")["faces"] == []


NO_FILE, BAD = "No valid image file found", "invalid image"
ROWS = [
    ("/face", None, {}, 400, NO_FILE),
    ("/face", {"other": ("image", b"x")}, {}, 400, NO_FILE),
    ("/face/recognize", None, {}, 400, NO_FILE),
    ("/face/register", None, {"userid": "a"}, 400, NO_FILE),
    ("/face/match", None, {}, 400, NO_FILE),
    ("/face", image(b"x"), {"min_confidence": "much"}, 400, "Invalid value for min_confidence"),
    ("/face", image(b"x"), {"min_confidence": "1.1"}, 400, "min_confidence cannot be greater than 1"),
    ("/face/recognize", image(b"x"), {"min_confidence": "nan"}, 400, "Invalid value for min_confidence"),
    ("/face/register", image(b"x"), {}, 400, "userid not specified"),
    ("/face/delete", None, {}, 400, "userid not specified"),
    ("/face", image(b"x"), {}, 400, BAD),
    ("/face/recognize", image(b"x"), {}, 400, BAD),
    ("/face/register", image(b"x"), {"userid": "a"}, 400, BAD),
    ("/face/match", {"a": ("a", b"x"), "b": ("b", b"x")}, {}, 400, BAD),
    ("/face/match", {"a": ("a", b"x")}, {}, 400, "expected two image files, only one found"),
    ("/face/match", {"a": ("a", b"x"), "b": ("b", b"x"), "c": ("c", b"x")}, {}, 400, "only two images allowed"),
    ("/detection", image(b"x"), {}, 403, "Detection endpoint not activated"),
    ("/scene", image(b"x"), {}, 403, "Scene endpoint not activated"),
    ("/enhance", image(b"x"), {}, 403, "Enhance endpoint not activated"),
    ("/custom/openlogo", image(b"x"), {}, 403, "Custom vision endpoint not activated"),
    ("/nothing", None, {}, 404, None),
    ("/face/nothing", None, {}, 404, None),
]


def refused(answer, status, text):
    assert answer.status_code == status and answer.headers["Content-Type"] == "application/json", answer.text
    body = answer.json()
    assert body["success"] is False and body["duration"] == 0 and set(body) == {"success", "error", "duration"}
    if text is not None:
        assert body["error"] == text


@pytest.mark.parametrize("path, files, form, status, text", ROWS)
def test_each_row(deep, path, files, form, status, text):
    refused(deep.call(path, files, **form), status, text)


def test_more_rows(deep, photos, shared_service):
    wall = jpeg(Image.new("RGB", (320, 240), "grey"))
    refused(deep.call("/face/register", image(wall), userid="a"), 400, "no face detected")
    refused(deep.call("/face/match", {"a": ("a", wall), "b": ("b", photos["small_obama"])}), 400, "no face found")
    refused(deep.call("/face/register", image(photos["small_obama"]), userid="a\x01"), 400, None)
    refused(requests.get(deep.root + "/face", timeout=30), 404, None)
    refused(deep.call("/face", image(photos["small_obama"]), headers={"Origin": "http://evil.example"}), 403, None)
    refused(deep.call("/face", image(b"x" * (11 << 20))), 413, None)
    refused(requests.post(deep.root + "/face", data=b"--x\r\nbroken", timeout=30,
                          headers={"Content-Type": "multipart/form-data; boundary=x"}), 400, NO_FILE)


@pytest.fixture(scope="module")
def keyed():
    with running(settings=("api.access=keys", "compat.deepstack=on", "compat.compreface=on")) as service:
        yield service


def test_the_key_is_a_field_of_the_form(keyed, photos):
    other = compat_key(keyed, "compreface", "door")
    deep = Deepstack(keyed, compat_key(keyed, "deepstack", "door"))
    wait_until(lambda: deep.call("/face/list").status_code == 200, 10, "the key")
    for key in ("", "wrong", deep.key[:-1] + ("0" if deep.key[-1] != "0" else "1"), other):
        for path, files in (("/face/list", None), ("/face", image(photos["small_obama"])), ("/detection", image(b"x")),
                            ("/face/register", None), ("/face/delete", None)):
            refused(Deepstack(keyed, key).call(path, files), 401, "Incorrect api key")
    deep.register("Barack", photos["small_obama"])
    assert deep.recognise(photos["small_obama2"])[0]["userid"] == "Barack"
    native = {"Authorization": "Bearer " + keyed_key(keyed, "read", "door")}
    wait_until(lambda: Deepstack(keyed).call("/face/list", headers=native).status_code == 200, 10, "the key")
    assert Deepstack(keyed).call("/face/list", headers=native).json()["faces"] == ["Barack"]
    refused(Deepstack(keyed).call("/face/delete", headers=native, userid="Barack"), 401, "Incorrect api key")
    few = Deepstack(keyed, compat_key(keyed, "deepstack", "few", "--quota", "3/min"))
    wait_until(lambda: few.call("/face/list").status_code == 200, 10, "the key")
    answers = [few.call("/face/list") for _ in range(3)]
    refused(answers[-1], 429, None)


def keyed_key(service, scopes, collection):
    from test_compreface_errors import ctl
    return ctl(service, "key", "create", "--scopes", scopes, "--collections", collection).split()[0]


def test_registering_again_may_replace(photos):
    with running(settings=("compat.deepstack_register=replace",)) as service:
        deep = Deepstack(service)
        deep.register("Somebody", photos["small_biden"])
        deep.register("Somebody", photos["small_obama"], photos["small_obama3"])
        assert deep.recognise(photos["small_biden"])[0]["userid"] == "unknown"
        assert deep.recognise(photos["small_obama2"])[0]["userid"] == "Somebody"
        assert len(service.call("GET", "/api/faces/Somebody").json()["faces"]) == 2
        deep.register("Somebody", photos["small_obama"])  # the same photo again stays
        assert len(service.call("GET", "/api/faces/Somebody").json()["faces"]) == 1


# ---- what is handed on ------------------------------------------------------------------------

@pytest.fixture(scope="module")
def upstream():
    with Upstream().running() as one:
        yield one


@pytest.fixture(scope="module")
def behind(upstream):
    with running(settings=(f"compat.deepstack_upstream={upstream.url}", "compat.immich_clients=['127.0.0.1']",
                           f"compat.immich_upstream={upstream.url}")) as service:
        yield service


def test_objects_are_handed_on_without_keys_and_cookies(behind, upstream):
    upstream.seen.clear()
    upstream.answer = Upstream.json_answer({"success": True, "predictions": [{"label": "cat"}]})
    answer = Deepstack(behind, "a-secret").call("/detection", image(b"photo bytes"), min_confidence="0.4", admin_key="a-secret",
                                                headers={"Cookie": "a=a-secret", "X-Api-Key": "a-secret", "Authorization": "Bearer a-secret"})
    assert answer.status_code == 200 and answer.json()["predictions"] == [{"label": "cat"}]
    assert "Set-Cookie" not in answer.headers
    [seen] = upstream.seen
    assert seen.startswith(b"POST /v1/vision/detection HTTP/1.") and b"photo bytes" in seen and b"min_confidence" in seen
    assert b"a-secret" not in seen and b"api_key" not in seen
    upstream.answer = Upstream.json_answer({"success": False, "error": "no"}, status=400)
    answer = Deepstack(behind).call("/custom/my-model", image(b"photo"))
    assert (answer.status_code, answer.json()) == (400, {"success": False, "error": "no"})
    assert upstream.seen[-1].startswith(b"POST /v1/vision/custom/my-model HTTP/1.")
    for path in ("/custom/..%2f..%2fadmin", "/custom/a%20b", "/face/unheard"):
        refused(Deepstack(behind).call(path, image(b"photo")), 404, None)
    assert len(upstream.seen) == 2


@pytest.mark.parametrize("why", BAD_ANSWERS)
def test_an_upstream_that_lies(behind, upstream, why):
    upstream.answer = BAD_ANSWERS[why]
    refused(Deepstack(behind).call("/detection", image(b"photo")), 500, None)
    assert Deepstack(behind).ok("/face/list")["faces"] == []


def test_an_upstream_that_is_not_there(photos):
    with running(settings=("compat.deepstack_upstream=http://127.0.0.1:1",)) as service:
        refused(Deepstack(service).call("/detection", image(b"photo")), 500, None)


def test_an_upstream_that_hangs_holds_nobody_else_up(behind, upstream):
    upstream.answer = None
    begun, answers = time.monotonic(), []
    waiting = threading.Thread(target=lambda: answers.append(Deepstack(behind).call("/detection", image(b"photo"))))
    waiting.start()
    while waiting.is_alive():
        asked = time.monotonic()
        assert Deepstack(behind).ok("/face/list")["faces"] == []
        assert time.monotonic() - asked < 5
        waiting.join(1)
    refused(answers[0], 500, "error occured on the server: Upstream took too long")
    assert 29 < time.monotonic() - begun < 45
