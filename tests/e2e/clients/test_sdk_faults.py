"""The Python client where things go wrong: services that are absent, silent, slow and wrong, arguments that cannot be
sent, folders that cannot be read. Whatever it is, the error is a VultusError, comes in time, and a batch goes on."""
import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
import time

import httpx
import pytest
from bad_service import ALL, BadService, bad_service, http
from conftest import ROOT

sys.path.insert(0, str(ROOT / "clients/python"))
from vultus import (AsyncClient, Client, InvalidArgument, InvalidResponse, JobTimeout, Refused,  # noqa: E402
                    Unreachable, UnreadablePhoto, VultusError)

JOB = {"id": "1", "type": "train", "state": "succeeded", "collection": "c", "attempt": 1,
       "result": {"version": 7, "files": [{"index": 0, "state": "accepted", "face_id": "1-0"}]}}
PENDING = {**JOB, "state": "pending", "result": None}


def client_of(answers, **options):
    """A client whose n-th request gets answers(request, n); the requests are kept in .asked."""
    asked = []

    def answer(request):
        asked.append(request)
        return answers(request, len(asked))
    made = Client("http://x", transport=httpx.MockTransport(answer), **options)
    made.asked = asked
    return made


@pytest.fixture
def slept(monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


# ---- services ---------------------------------------------------------------------------------

CALLS = {"people": lambda c: c.people(), "faces": lambda c: c.faces("Ada"), "status": lambda c: c.status(),
         "job": lambda c: c.job("1"), "cancel": lambda c: c.cancel("1"), "clear": lambda c: c.clear(),
         "recognize": lambda c: c.recognize(b"x"), "direct": lambda c: c.recognize(b"x", durable=False),
         "train": lambda c: c.train("Ada", b"x"), "collections": lambda c: c.collections(),
         "retention": lambda c: c.set_retention(3), "picture": lambda c: c.face_picture("Ada", "1-0")}


@pytest.mark.parametrize("fault", ALL)
def test_each_call_ends_with_an_error_of_ours(fault):
    with bad_service(fault) as service, Client(service.url, patience_s=0.3, timeout_s=0.6, job_s=1) as client:
        calls = CALLS if fault not in ("silent", "slow") else {"people": CALLS["people"]}
        for name, call in calls.items():
            with pytest.raises(VultusError):
                print(fault, name, call(client))


@pytest.mark.parametrize("fault", ALL)
def test_the_async_client_too(fault):
    async def story(url):
        async with AsyncClient(url, patience_s=0.3, timeout_s=0.6) as client:
            with pytest.raises(VultusError):
                print(await client.people())
    with bad_service(fault) as service:
        asyncio.run(story(service.url))


def test_a_slow_answer_ends_at_the_deadline_in_its_head_and_in_its_body():
    body = http("200 OK", json.dumps({"faces": [], "padding": "x" * 5000}))
    for answer in (body, b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 5000):
        with BadService(answer, pace_s=0.05) as service, \
                Client(service.url, patience_s=0, timeout_s=0.5) as client:
            with pytest.raises(Unreachable, match="ReadTimeout"):
                client.people()


def test_an_endless_answer_is_bounded():
    class Endless(httpx.SyncByteStream):
        def __iter__(self):
            return itertools.repeat(b"x" * 1_000_000)
    with client_of(lambda *_: httpx.Response(200, stream=Endless())) as client:
        with pytest.raises(InvalidResponse, match="too large"):
            client.people()


def test_lists_that_never_end_are_noticed():
    with client_of(lambda *_: httpx.Response(200, json={"faces": [], "next_page_token": "a"})) as client:
        with pytest.raises(InvalidResponse, match="circle"):
            client.people()


# ---- waiting ----------------------------------------------------------------------------------

@pytest.mark.parametrize("asked", ["0", "0000", "-1", "1e9", "²", "9" * 400, "Mon, 01 Jan 1990 00:00:00 GMT"])
def test_retry_after_of_any_kind_is_bounded(slept, asked):
    headers = [(b"Retry-After", asked.encode("utf-8"))]
    with client_of(lambda *_: httpx.Response(503, headers=headers), patience_s=20) as client:
        with pytest.raises(Unreachable):
            client.people()
        assert 1 <= len(client.asked) < 60 and sum(slept) <= 20 and min(slept, default=0.1) >= 0.1


def test_long_patience_does_not_overflow(slept):
    """The pauses grow by a factor: after some thousand no number holds the next."""
    with client_of(lambda *_: httpx.Response(503), patience_s=1e5) as client:
        with pytest.raises(Unreachable):
            client.people()
        assert len(client.asked) > 3_000 and max(slept) <= 30


@pytest.mark.parametrize("headers", [{}, {"ETag": '"1"'}])
@pytest.mark.parametrize("status", [200, 304])
def test_a_job_that_never_ends_is_asked_for_with_pauses_and_not_for_ever(slept, headers, status):
    def answer(request, _):
        return httpx.Response(status if "wait" in request.url.params else 200, json=PENDING, headers=headers)
    with client_of(answer, job_s=60) as client:
        with pytest.raises(JobTimeout) as late:
            client.train("Ada", b"x")
        assert late.value.job.id == "1" and len(client.asked) < 60 and 59 <= sum(slept) <= 70


def test_patience_is_a_number():
    for words in ({"patience_s": float("nan")}, {"patience_s": -1}, {"timeout_s": 0}, {"job_s": float("inf")},
                  {"patience_s": "long"}):
        with pytest.raises(InvalidArgument):
            Client("http://x", **words)


# ---- what cannot be sent ----------------------------------------------------------------------

@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://[::1", "http://x:99999", "http://x:y", "", "http://a b",
                                 "http://x?y=1", "://", 7, None, "http://\ud800"])
def test_an_address_that_is_none(url):
    with pytest.raises(VultusError):
        with Client(url, patience_s=0) as client:
            client.people()


def test_an_address_without_a_scheme_is_http():
    with BadService(http("200 OK", '{"faces":[]}')) as service, Client(f"127.0.0.1:{service.port}") as client:
        assert client.people() == []


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "a b", "\x00", "ключ", "\ud800", 7])
def test_a_key_that_cannot_be_sent(key, monkeypatch):
    with pytest.raises(InvalidArgument, match="key"):
        Client("http://x", key=key)


@pytest.mark.parametrize("label", ["", "\ud800", None, 7])
def test_names_that_cannot_be_sent(label):
    with client_of(lambda *_: httpx.Response(200, json=JOB)) as client:
        for call in (client.forget, client.faces, client.job, client.cancel):
            with pytest.raises(InvalidArgument):
                call(label)
        if label is not None:  # an empty face id must not forget the whole person
            with pytest.raises(InvalidArgument):
                client.forget("Ada", label)
        assert client.asked == []
    with client_of(lambda *_: httpx.Response(200, json=JOB)) as client, pytest.raises(VultusError):
        client.train("\ud800", b"x")


def test_a_name_of_dots_stays_a_name():
    change = {**JOB, "type": "forget", "result": {"version": 1, "removed_faces": 0}}
    with client_of(lambda *_: httpx.Response(200, json=change)) as client:
        client.forget("..")
        assert client.asked[0].url.raw_path.startswith(b"/api/faces/%2E%2E?")


def test_photos_that_are_none(tmp_path):
    with client_of(lambda *_: httpx.Response(200, json=JOB)) as client:
        for photo in (tmp_path / "none.jpg", str(tmp_path), "a\0b", 7, None, open(__file__)):
            with pytest.raises(VultusError):
                client.recognize(photo)
        with pytest.raises(OSError):
            client.recognize(tmp_path / "none.jpg")
        assert client.asked == []


def test_a_closed_client():
    client = client_of(lambda *_: httpx.Response(200, json=JOB))
    client.close()
    with pytest.raises(InvalidArgument, match="closed"):
        client.people()


# ---- folders ----------------------------------------------------------------------------------

@pytest.fixture
def people(tmp_path):
    for name in ("Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg", ".thumbnails/1.jpg", "Ada/.hidden/x.jpg", "@eaDir/1.jpg",
                 "Bob/.1.jpg", "Cyd/deep/er/1.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo")
    (tmp_path / "Dee").symlink_to(tmp_path / "Ada")
    (tmp_path / "Bob/gone.jpg").symlink_to(tmp_path / "nowhere")
    bad = os.fsencode(tmp_path) + b"/Zo\xeb"
    os.mkdir(bad)
    with open(bad + b"/1.jpg", "wb") as file:
        file.write(b"photo")
    return tmp_path


def labels_of(asked):
    return [request.content.split(b'name="name"\r\n\r\n')[1].split(b"\r\n")[0].decode() for request in asked]


def run_folder(kind, folder, answer, **options):
    """train_folder of either client; gives (lessons or error, labels that were sent)."""
    asked = []

    def noted(request):
        asked.append(request)
        return answer(request, len(asked))

    async def later():
        async with AsyncClient("http://x", transport=httpx.MockTransport(noted), patience_s=0) as client:
            return await client.train_folder(folder, **options)
    try:
        if kind == "async":
            return asyncio.run(later()), labels_of(asked)
        with Client("http://x", transport=httpx.MockTransport(noted), patience_s=0) as client:
            return client.train_folder(folder, **options), labels_of(asked)
    except Exception as failure:
        return failure, labels_of(asked)


BOTH = pytest.mark.parametrize("kind", ["sync", "async"])


@BOTH
def test_a_folder_teaches_what_it_can_and_names_the_rest(kind, people):
    lessons, labels = run_folder(kind, people, lambda *_: httpx.Response(202, json=JOB))
    assert sorted(labels) == ["Ada", "Ada", "Bob", "er"]
    failed = {os.path.relpath(one.path, people): one.reason for one in lessons if not one.learned}
    assert set(failed) == {"Dee", "Bob/gone.jpg", os.fsdecode(b"Zo\xeb/1.jpg")}, failed
    assert [one.path for one in lessons] == sorted(one.path for one in lessons) and len(lessons) == 7


@BOTH
def test_one_refusal_does_not_end_the_folder(kind, people):
    def answer(_, number):
        return httpx.Response(415, json={"title": "no"}) if number == 2 else httpx.Response(202, json=JOB)
    lessons, labels = run_folder(kind, people, answer)
    assert len(labels) == 4 and sum(one.learned for one in lessons) == 3


@BOTH
def test_a_service_that_goes_away_ends_the_folder_and_all_photos_are_accounted_for(kind, people):
    def answer(_, number):
        return httpx.Response(202, json=JOB) if number == 1 else httpx.Response(503)
    failure, labels = run_folder(kind, people, answer, at_once=1)
    assert isinstance(failure, Unreachable) and len(labels) == 2  # nothing was sent after the failure
    assert [one.learned for one in failure.lessons].count(True) == 1 and len(failure.lessons) == 7


@BOTH
def test_a_callback_that_raises_ends_the_folder(kind, people):
    raised = threading.Event()

    def tell(lesson, *_):
        if lesson.learned:
            raised.set()
            raise KeyError("mine")

    def answer(_, number):
        """The callback of the sync client runs beside the next photo: that one ends after it, and a third may have begun."""
        if kind == "sync" and number > 1:
            raised.wait(60)
            time.sleep(5 if number > 2 else 0)
        return httpx.Response(202, json=JOB)
    failure, labels = run_folder(kind, people, answer, at_once=1, on_photo=tell)
    assert isinstance(failure, KeyError) and len(labels) < 4


def test_async_sends_nothing_after_it_raised(people):
    """Tasks that wait inside a request are ended too."""
    begun, ended = [], []

    async def answer(request):
        begun.append(request)
        if len(begun) == 1:
            return httpx.Response(503)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(request)

    async def story():
        async with AsyncClient("http://x", transport=httpx.MockTransport(answer), patience_s=0) as client:
            with pytest.raises(Unreachable):
                await client.train_folder(people)
            assert len(ended) == len(begun) - 1
            assert len(asyncio.all_tasks()) == 1
    asyncio.run(story())


@BOTH
def test_a_folder_that_is_none(kind, tmp_path):
    for folder in (tmp_path / "none", __file__):
        failure, labels = run_folder(kind, folder, lambda *_: httpx.Response(202, json=JOB))
        assert isinstance(failure, UnreadablePhoto) and labels == []
    failure, _ = run_folder(kind, tmp_path, lambda *_: httpx.Response(202, json=JOB), at_once=0)
    assert isinstance(failure, InvalidArgument)


# ---- python -m vultus -------------------------------------------------------------------------

def command(url, *words, stdout=subprocess.PIPE, **environment):
    return subprocess.run(
        [sys.executable, "-m", "vultus", "--url", url, "--patience", "0.3", "--timeout", "0.6", *map(str, words)],
        stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients/python"), **environment})


@pytest.mark.parametrize("fault", ALL)
def test_the_commands_end_with_2_and_a_reason(fault, tmp_path):
    photo = tmp_path / "Ada/1.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"photo")
    with bad_service(fault) as service:
        for words in (["people"], ["recognize", photo], ["train", "Ada", photo], ["train-folder", tmp_path]):
            done = command(service.url, *words)
            assert done.returncode == 2 and done.stderr.startswith("vultus: ") and "Traceback" not in done.stderr, done
            if words[0] == "train-folder":
                assert str(photo) in done.stdout


def by_photo(request, _):
    """Refuses the photo whose bytes say so."""
    if b"GET /api/faces" in request:
        return http("200 OK", '{"faces":[{"label":"Ada","count":1}]}')
    if b"bad!" in request:
        return http("415 Unsupported Media Type", '{"type":"/problems/unsupported_media","title":"no photo"}')
    if b"POST /api/recognize" in request:
        result = {"image": {"width": 1, "height": 1}, "faces": [], "gallery": {"version": 1}, "timing_ms": {}}
        return http("200 OK", json.dumps({**JOB, "result": result}))
    return http("200 OK", json.dumps(JOB))


def test_a_batch_goes_on_and_its_exit_code_is_true(tmp_path):
    good, bad, none = tmp_path / "good.jpg", tmp_path / "bad.jpg", tmp_path / "none.jpg"
    good.write_bytes(b"good")
    bad.write_bytes(b"bad!")
    with BadService(by_photo) as service:
        done = command(service.url, "recognize", none, bad, good)
        assert done.returncode == 1 and done.stdout == f"{good}\tno face\n", done
        assert "none.jpg" in done.stderr and "bad.jpg" in done.stderr
        done = command(service.url, "train", "Ada", none, good)
        assert done.returncode == 1 and done.stdout == f"{good}\tlearned\n" and "none.jpg" in done.stderr, done
        assert command(service.url, "train", "Ada", bad).returncode == 1
        assert command(service.url, "train", "Ada", none).returncode == 2
        assert command(service.url, "recognize", good).returncode == 0
        assert command(service.url, "people", VULTUS_KEY="schlüssel").returncode == 2


def test_output_that_cannot_be_written_is_a_failure():
    with BadService(by_photo) as service, open("/dev/full", "w") as full:
        done = command(service.url, "people", stdout=full)
        assert done.returncode == 2 and "cannot be written" in done.stderr and "Traceback" not in done.stderr, done


def test_names_that_the_terminal_cannot_show_are_shown_somehow(tmp_path):
    bad = os.fsencode(tmp_path) + b"/Zo\xeb.jpg"
    with open(bad, "wb") as file:
        file.write(b"bad!")
    with BadService(by_photo) as service:
        for encoding in ("utf-8", "latin-1", "ascii"):
            done = command(service.url, "recognize", os.fsdecode(bad), PYTHONIOENCODING=encoding)
            assert done.returncode == 1 and "Traceback" not in done.stderr, done
