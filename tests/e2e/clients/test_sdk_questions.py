"""The Python client: detect, embed, verify, embeddings, every kind of photo, pages as iterators, the environment."""
import asyncio
import inspect
import io
import ssl
import sys

import httpx
import numpy
import pytest
from conftest import ROOT
from PIL import Image

sys.path.insert(0, str(ROOT / "clients/python"))
from vultus import AsyncClient, Client, InvalidArgument, Refused  # noqa: E402


@pytest.fixture
def client(shared_service):
    with Client(shared_service.url, "sdk-questions") as one:
        yield one
        one.clear()


@pytest.mark.parametrize("durable", [True, False])
def test_faces_embeddings_and_pairs(client, photos, durable):
    first, second, other = photos["small_obama"], photos["small_obama2"], photos["small_biden"]
    seen = client.detect(second, durable=durable)
    assert len(seen.faces) == 1 and seen.faces[0].quality.score > 0.3 and seen.embedder is None
    told = client.embed(second, durable=durable)
    assert told.dimension == 128 == len(told.faces[0].embedding) and told.embedder == "dlib_resnet_v1/mirror_unit"
    assert told.faces[0].box == seen.faces[0].box
    same, not_same = client.verify(first, second, durable=durable), client.verify(first, other, durable=durable)
    assert same.same and same.similarity > 0.5 and (same.face, same.other_face) == (0, 0)
    assert not not_same.same and not_same.distance > not_same.distance_max
    client.train("Barack Obama", first)
    person = client.verify(second, person="Barack Obama", durable=durable)
    assert person.same and person.face_id and person.other_face is None
    with pytest.raises(Refused, match="No such person"):
        client.verify(second, person="Nobody", durable=durable)


def test_embeddings_instead_of_photos(client, photos):
    first, second, other = (client.embed(photos[name], durable=False) for name in
                            ("small_obama", "small_obama2", "small_biden"))
    client.train("Barack Obama", embeddings=[first.faces[0].embedding], model=first.embedder)
    client.train("Joe Biden", embeddings=numpy.array([other.faces[0].embedding]), model=first.embedder)
    found = client.recognize(embeddings=[second.faces[0].embedding] * 2, top=2)
    assert [face.label for face in found.faces] == ["Barack Obama"] * 2 and found.faces[0].box is None
    assert [one.label for one in found.faces[0].candidates] == ["Barack Obama", "Joe Biden"]
    with pytest.raises(Refused, match="omz_0095"):
        client.train("Ada", embeddings=[first.faces[0].embedding], model="omz_0095/unit")
    assert {one.label for one in client.iter_people()} == {"Barack Obama", "Joe Biden"}


def test_pictures_of_pil_and_numpy(client, photos):
    picture = Image.open(io.BytesIO(photos["small_obama2"]))
    for one in (picture, numpy.asarray(picture), numpy.asarray(picture.convert("L")), picture.convert("RGBA")):
        assert len(client.detect(one, durable=False).faces) == 1


def test_the_async_client_asks_alike(shared_service, photos):
    async def story():
        async with AsyncClient(shared_service.url) as client:
            pair = await client.verify(photos["small_obama"], photos["small_obama2"], durable=False)
            await client.detect(photos["small_obama"])
            jobs = [job async for job in client.iter_jobs(type="detect", state="succeeded")]
            return pair, jobs
    pair, jobs = asyncio.run(story())
    assert pair.same and jobs and all(job.type == "detect" and job.collection == "" for job in jobs)


# ---- without a service ----------------------------------------------------------------------------

def test_both_clients_have_the_same_methods_with_the_same_options():
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_") and name != "close":
            ours, theirs = inspect.signature(method), inspect.signature(getattr(AsyncClient, name))
            assert list(ours.parameters) == list(theirs.parameters), name


def test_what_cannot_be_sent_is_refused_before(tmp_path):
    client = Client("http://x", transport=httpx.MockTransport(lambda request: httpx.Response(500)))
    (tmp_path / "text").write_text("no certificate")
    for wrong in (lambda: client.verify(b"x"), lambda: client.verify(b"x", b"y", person="Ada"), lambda: client.recognize(),
                  lambda: client.recognize(b"x", embeddings=[[1.0]]), lambda: client.train("Ada"),
                  lambda: client.train("Ada", b"x", embeddings=[[1.0]]), lambda: client.detect(numpy.zeros((4, 4))),
                  lambda: client.recognize(embeddings=[[float("inf")]]), lambda: client.recognize(embeddings=["ab"]),
                  lambda: Client("https://x", verify=tmp_path / "text"), lambda: Client("https://x", verify="/none")):
        with pytest.raises(InvalidArgument):
            wrong()
    with pytest.raises(TypeError):
        client.detect(b"x", min_face=40)


def test_pages_are_read_when_they_are_needed():
    asked = []

    def answer(request):
        asked.append(request.url.params.get("page_token"))
        more = {"next_page_token": f"t{len(asked)}"} if len(asked) < 3 else {}
        return httpx.Response(200, json={"faces": [{"label": f"p{len(asked)}", "count": 1}] * 2, **more})
    client = Client("http://x", transport=httpx.MockTransport(answer))
    people = client.iter_people()
    assert [next(people).label, next(people).label] == ["p1", "p1"] and asked == [None]
    assert [one.label for one in people] == ["p2", "p2", "p3", "p3"] and asked == [None, "t1", "t2"]


def test_the_environment_and_certificates(monkeypatch, tmp_path):
    seen = []

    def answer(request):
        seen.append((str(request.url), request.headers.get("authorization")))
        return httpx.Response(200, json={"faces": []})
    monkeypatch.setenv("VULTUS_URL", "http://elsewhere:7000")
    monkeypatch.setenv("VULTUS_COLLECTION", "family")
    monkeypatch.setenv("VULTUS_KEY", "vultus_abc")
    with Client.from_env(transport=httpx.MockTransport(answer), timeout=7) as client:
        client.people()
        assert client.waits.timeout_s == 7
    assert seen == [("http://elsewhere:7000/api/faces?page_size=500&collection=family", "Bearer vultus_abc")]
    monkeypatch.setenv("VULTUS_CA", str(tmp_path / "none"))
    with pytest.raises(InvalidArgument):
        Client.from_env()
    for verify in (True, False, ssl.create_default_context()):
        Client("https://x", verify=verify).close()
