"""The Python client (clients/python) against a running service: typed results, progress, tries, command line."""
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import httpx
import pytest
from conftest import PHOTOS, ROOT, wait_until

sys.path.insert(0, str(ROOT / "clients/python"))
from vultus import AsyncClient, Box, Client, JobFailed, Refused, Unreachable  # noqa: E402


@pytest.fixture
def client(shared_service):
    with Client(shared_service.url, "sdk") as one:
        yield one
        one.clear()


def test_people_have_ids_and_data(client, photos):
    first = client.train("Sam", photos["small_obama"], external_id="crm 1")
    client.train("Sam", photos["small_biden"], person_id="hr/2")
    assert first.version > 0 and len(client.people()) == 2
    one = client.find_people(external_id="crm 1")[0]
    assert (one.name, one.faces, one.metadata, one.last_seen) == ("Sam", 1, None, None)
    assert [face.person_id for face in client.recognize(photos["small_biden"]).faces] == ["hr/2"]
    with pytest.raises(Refused) as refused:
        client.faces("Sam")
    assert refused.value.code == "several_people" and "hr/2" in refused.value.detail
    changed = client.change_person("hr/2", metadata={"team": "a"}, notes="n")
    assert changed == client.person("hr/2") and changed.metadata == {"team": "a"}
    assert client.change_person("hr/2", notes=None).notes is None
    assert client.change_person("hr/2", name="Zoë Dee").name == "Zoë Dee"
    assert [one.person_id for one in client.find_people("dee")] == ["hr/2"] and client.find_people("ee") == []
    assert client.merge_people("hr/2", one.person_id).faces == 1
    assert client.forget_person(one.person_id).faces == 2 and client.find_people() == []

    async def again():
        async with AsyncClient(str(client._http.base_url), "sdk") as other:
            return await other.find_people()
    assert asyncio.run(again()) == []


def test_the_main_job(client, photos, tmp_path):
    states = []
    trained = client.train("Barack Obama", photos["small_obama"], PHOTOS / "obama3.jpg",
                           on_progress=lambda job: states.append(job.state))
    assert [photo.accepted for photo in trained.photos] == [True, True] and trained.version > 0
    assert states[0] == "pending" and states[-1] == "succeeded" and len(states) == len(set(states))
    path = tmp_path / "photo.jpg"
    path.write_bytes(photos["small_obama2"])
    with open(path, "rb") as file:
        for photo in (str(path), path, photos["small_obama2"], file):
            found = client.recognize(photo, min_face_px=60)
            [face] = found.faces
            assert (face.status, face.label) == ("known", "Barack Obama")
            assert isinstance(face.box, Box) and 0 < face.distance < 0.38
            assert face.candidates[0].label == "Barack Obama" and len(face.landmarks) == 5
            assert found.gallery_version >= trained.version and found.raw["faces"][0]["label"] == face.label
    direct = client.recognise(path, durable=False, embeddings=True)
    assert direct.faces[0].label == "Barack Obama" and len(direct.faces[0].embedding) == 128


def test_people_are_kept_in_order(client, photos):
    client.train("a/b ü", photos["small_obama"])
    client.train("joe", photos["small_biden"])
    assert {one.label: one.count for one in client.people()} == {"a/b ü": 1, "joe": 1}
    assert client.rename("a/b ü", "Barack").faces == 1
    with pytest.raises(Refused) as refused:
        client.rename("joe", "Barack")
    assert refused.value.status == 409 and refused.value.code == "wrong_state" and refused.value.trace_id
    assert client.merge("joe", "Barack").faces == 1
    faces = client.faces("Barack")
    assert len(faces) == 2 and client.forget("Barack", faces[0].face_id).faces == 1
    assert client.forget("Barack").faces == 1 and client.people() == []
    assert "sdk" in [one.name for one in client.collections()]
    assert client.status()["state"] == "ready"
    assert client.retention() is None and client.set_retention(30) == 30 and client.retention() == 30
    assert client.set_retention(None) is None and client.retention() is None


def test_a_job_that_fails_says_why(client, photos):
    with pytest.raises(JobFailed) as failed:
        client.train("nobody", photos["small_obama"][:3000] + photos["small_obama"][-2:])
    assert failed.value.code == "no_usable_photo" and client.job(failed.value.job.id).state == "failed"
    with pytest.raises(Refused) as refused:
        client.recognize(b"no photo")
    assert refused.value.status == 415 and refused.value.code == "unsupported_media"
    with pytest.raises(Refused) as refused:
        client.cancel(failed.value.job.id)
    assert refused.value.code == "already_terminal"


def test_async_does_the_same_many_at_once(shared_service, photos):
    async def story():
        async with AsyncClient(shared_service.url, "sdk-async") as client:
            await client.train("Barack", photos["small_obama"])
            found = await asyncio.gather(*(client.recognize(photos["small_obama2"]) for _ in range(8)))
            await client.delete_collection()
            return found
    assert [one.faces[0].label for one in asyncio.run(story())] == ["Barack"] * 8


def test_it_goes_on_when_redis_comes_back(shared_service, photos):
    with Client(shared_service.url, "sdk", patience_s=60) as client:
        [redis] = shared_service.pids("redis")
        os.kill(redis, signal.SIGSTOP)
        wait_until(lambda: shared_service.call("GET", "/healthz/ready").status_code == 503)
        with Client(shared_service.url, "sdk", patience_s=0) as hasty, pytest.raises(Unreachable):
            hasty.people()
        seen = []
        waits = threading.Thread(target=lambda: seen.append(client.train("Barack", photos["small_obama"])))
        waits.start()
        os.kill(redis, signal.SIGKILL)  # the supervisor starts another
        waits.join(90)
        assert seen and len(client.people()) == 1
        client.clear()


class Moody:
    """A service that answers as the list says, and notes what it was asked."""

    def __init__(self, *moods):
        self.moods, self.asked = list(moods), []

    def __call__(self, request):
        self.asked.append(request)
        mood = self.moods.pop(0)
        if isinstance(mood, Exception):
            raise mood
        return mood


JOB = {"id": "1", "type": "clear", "state": "succeeded", "collection": "c", "attempt": 1,
       "result": {"version": 7, "removed_faces": 3}}
MOODS = [httpx.ConnectError("refused"), httpx.ReadError("broken"), httpx.Response(503, headers={"Retry-After": "7"}),
         httpx.Response(429, headers={"Retry-After": "2"}), httpx.Response(202, json=JOB)]


def test_a_request_is_sent_again_with_its_own_key(monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    moody = Moody(*MOODS)
    with Client("http://x", transport=httpx.MockTransport(moody)) as client:
        assert client.clear().faces == 3
        assert len({request.headers["Idempotency-Key"] for request in moody.asked}) == 1
        assert slept[2:] == [7, 2] and 0 < slept[0] <= 0.25 and slept[1] <= 0.5
        moody.moods.append(httpx.Response(202, json=JOB))
        client.clear()
        assert moody.asked[-1].headers["Idempotency-Key"] != moody.asked[0].headers["Idempotency-Key"]


def test_patience_ends(monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    moody = Moody(*[httpx.Response(503, headers={"Retry-After": "4"}) for _ in range(9)])
    with Client("http://x", transport=httpx.MockTransport(moody), patience_s=10) as client:
        with pytest.raises(Unreachable, match="503"):
            client.people()
    assert slept == [4, 4]


def test_async_sends_again_too():
    async def story():
        moody = Moody(httpx.ConnectError("refused"), httpx.Response(202, json=JOB))
        async with AsyncClient("http://x", transport=httpx.MockTransport(moody)) as client:
            return (await client.clear()).faces, len({one.headers["Idempotency-Key"] for one in moody.asked})
    assert asyncio.run(story()) == (3, 1)


def command(service, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "vultus", "--url", service.url, "--collection", "sdk", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT / "clients/python")})


def test_the_command_line(client, shared_service, tmp_path):
    for person, photo in (("Barack", "obama"), ("Barack", "obama3"), ("Joe", "biden")):
        (tmp_path / person).mkdir(exist_ok=True)
        shutil.copy(PHOTOS / f"{photo}.jpg", tmp_path / person)
    (tmp_path / "Joe/notes.jpg").write_text("no photo")
    done = command(shared_service, "train-folder", tmp_path, "--progress")
    assert done.returncode == 1 and done.stdout == f"{tmp_path}/Joe/notes.jpg\tunsupported_media\n", done
    assert "4 of 4, 3 learned, 1 refused" in done.stderr and done.stderr.count(" of 4, ") == 4
    assert command(shared_service, "people").stdout == "Barack\t2\nJoe\t1\n"
    done = command(shared_service, "recognize", PHOTOS / "obama2.jpg", PHOTOS / "biden.jpg")
    assert done.returncode == 0
    assert [line.split("\t")[1:3] for line in done.stdout.splitlines()] == [["known", "Barack"], ["known", "Joe"]]
    done = command(shared_service, "recognize", "--json", PHOTOS / "obama2.jpg")
    assert json.loads(done.stdout)["faces"][0]["label"] == "Barack"
    done = command(shared_service, "recognise", tmp_path / "none.jpg")
    assert done.returncode == 2 and "none.jpg" in done.stderr
    done = command(shared_service, "--patience", "0", "--url", "http://127.0.0.1:1", "people")
    assert done.returncode == 2 and "ConnectError" in done.stderr
