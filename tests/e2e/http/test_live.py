"""The live channel with all real parts: names follow faces, whatever the client sends and whoever dies."""
import contextlib
import io
import os
import pathlib
import signal
import threading
import time

import pytest
import requests
from conftest import jpeg, running, wait_until
from live_client import Live, Refused, clip, face_at
from PIL import Image

PEOPLE = ("obama", "biden")


@pytest.fixture(scope="module")
def service(photos):
    with running(workers=2) as one:
        for name in PEOPLE:
            one.train(name, photos[f"small_{name}"])
        yield one


@pytest.fixture(scope="module")
def walk(photos):
    return clip(photos, PEOPLE, 60)


def labels(answer):
    return sorted(face["label"] or "unknown" for face in answer["faces"])


def session(service, query="", **fields):
    live = Live(service.port, query, **fields)
    assert live.receive()["type"] == "settings"
    return live


def test_names_follow_faces_and_known_faces_are_not_compared_again(service, walk):
    live = session(service)
    tracks, embedded, faces = {name: set() for name in PEOPLE}, 0, 0
    for data, centres in walk:
        answer = live.ask(data)
        assert answer["type"] == "frame", answer
        assert answer["image"] == {"width": 640, "height": 480} and answer["dropped"] == 0
        for name, centre in zip(PEOPLE, centres):
            face = face_at(answer, centre)
            if face is None:  # the detector may miss one now and then
                continue
            assert face["label"] == name and face["status"] == "known", (answer["seq"], name, face)
            tracks[name].add(face["track"])
            embedded, faces = embedded + face["embedded"], faces + 1
    live.close()
    assert faces >= 100
    assert all(len(numbers) == 1 for numbers in tracks.values()), tracks
    assert tracks["obama"] != tracks["biden"]
    assert embedded * 2 < faces, f"{embedded} of {faces} faces were compared"


def reads_of(service, collection, use):
    """How often the gallery of the collection was read while `use` ran, and its seconds."""
    mark, found = f"photo-{os.getpid()}", []
    with service.redis().monitor() as monitor:
        begin = time.monotonic()
        use()
        spent = time.monotonic() - begin
        service.redis().echo(mark)
        for line in monitor.listen():
            words = line["command"].split()
            if mark in line["command"]:
                return sum(words[1] == "vultus1_version" and words[4] == collection for words in found), spent
            if len(words) > 4 and words[0].upper().startswith("FCALL"):
                found.append(words)


def test_a_frame_costs_one_read_of_redis(service, walk):
    live, frames = session(service), walk[:40]
    live.ask(walk[0][0])

    def use():
        for data, _ in frames:
            assert live.ask(data)["type"] == "frame"
    reads, seconds = reads_of(service, "default", use)
    live.close()
    brokers = 4 * seconds + 2  # a broker reads it too, in each sweep at most
    assert len(frames) <= reads <= len(frames) + brokers, f"{reads} reads for {len(frames)} frames in {seconds:.1f} s"


def test_without_tracks_each_frame_stands_for_itself(service, walk):
    live = session(service, "?tracks=false&blur=known")
    for data, _ in walk[:3]:
        answer = live.ask(data)
        assert labels(answer) == sorted(PEOPLE)
        assert all(face["track"] is None and face["embedded"] and face["blur"] for face in answer["faces"])
    live.close()


def test_settings_hold_until_they_are_changed_and_bad_ones_change_nothing(service, walk):
    live = session(service)
    live.settings(collection="nobody", blur="unknown")
    told = live.until("settings")
    assert (told["collection"], told["blur"], told["min_face_px"]) == ("nobody", "unknown", 80)
    answer = live.ask(walk[0][0])
    assert labels(answer) == ["unknown", "unknown"] and all(face["blur"] for face in answer["faces"])
    for bad, error in (({"blur": "some"}, "bad_option"), ({"colour": 1}, "bad_option"),
                       ({"collection": "a b"}, "bad_collection"), ({"min_face_px": 9}, "bad_option")):
        live.settings(**bad)
        assert live.receive()["error"] == error, bad
    for text, error in ((b"{", "malformed"), (b"[]", "malformed"), (b'{"k":{}}', "malformed"),
                        (b" " * 5000, "too_large")):
        live.send(1, text)
        assert live.receive()["error"] == error, text
    live.settings(collection="default", blur="none")
    assert live.until("settings")["collection"] == "default"
    assert labels(live.ask(walk[0][0])) == sorted(PEOPLE)
    live.close()


def test_what_is_no_frame_is_named_and_the_session_goes_on(service, walk):
    good = walk[0][0]
    png = io.BytesIO()
    Image.open(io.BytesIO(good)).save(png, "PNG")
    live = session(service)
    for data, error in ((b"", "unsupported_media"), (b"hello", "unsupported_media"), (png.getvalue(), "unsupported_media"),
                        (good[:len(good) // 2], "truncated_image"), (b"\xff\xd8\xff" + b"x" * 500, None),
                        (good + b"\0" * (1 << 20), "too_large"), (b"\0" * (5 << 20), "too_large")):
        got = live.ask(data)
        assert got["type"] == "problem" and got["detail"], got
        assert error in (None, got["error"]), (len(data), got)
    answer = live.ask(good)
    assert labels(answer) == sorted(PEOPLE) and answer["dropped"] == 7 and answer["seq"] == 8
    live.close()


def test_a_frame_of_the_largest_size_is_taken_and_one_byte_more_is_not(service, walk):
    good = walk[0][0]
    live = session(service)
    assert live.ask(good + b"\0" * ((1 << 20) - len(good)))["type"] == "frame"
    assert live.ask(good + b"\0" * ((1 << 20) - len(good) + 1))["error"] == "too_large"
    live.close()


def test_who_may_open_a_session(service):
    host = f"127.0.0.1:{service.port}"
    with pytest.raises(Refused) as refused:
        Live(service.port, Origin="https://evil.example")
    assert refused.value.status == 403 and "forbidden_origin" in refused.value.body
    with pytest.raises(Refused) as refused:
        Live(service.port, Host="evil.example")
    assert refused.value.status == 421
    with pytest.raises(Refused) as refused:
        Live(service.port, "?blur=some")
    assert refused.value.status == 400 and "bad_option" in refused.value.body
    session(service, Origin=f"http://{host}").close()
    plain = requests.get(f"{service.url}/api/live", timeout=10)
    assert plain.status_code == 426 and plain.headers["Upgrade"] == "websocket"


def test_the_65th_session_is_refused_until_one_ends(service):
    taken = [session(service) for _ in range(64)]
    with pytest.raises(Refused) as refused:
        Live(service.port)
    assert refused.value.status == 429 and "Retry-After" in refused.value.head, refused.value.head
    browser = Live(service.port, Origin=f"http://127.0.0.1:{service.port}")
    assert browser.receive()["error"] == "quota"
    assert browser.receive() == {"type": "closed", "code": 1013}
    browser.close()
    assert requests.get(f"{service.url}/api/status", timeout=10).status_code == 200, "others find room"
    taken.pop().close()

    def again():
        try:
            return session(service)
        except Refused:
            return None
    taken.append(wait_until(again, 20, "a free place"))
    for one in taken:
        one.close()


def memory_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_who_does_not_read_costs_no_memory_and_gets_the_newest_when_it_does(service, walk):
    live = session(service)
    api, = service.pids("vultus-api")
    for data, _ in walk[:30]:
        live.frame(data)
    before, sent = memory_kb(api), 0
    while sent < 2000:  # 80 MB of frames, a minute and more of a camera's, whose answers nobody takes
        live.frame(walk[sent % 60][0])
        sent += 1
    grown = memory_kb(api) - before
    assert grown < 8_000, f"{grown} kB for a client that does not read"
    last, answers = 0, 0
    while last < live.sent:
        got = live.until("frame")
        assert got["seq"] > last
        last, answers = got["seq"], answers + 1
    assert got["dropped"] == live.sent - answers, "each frame is answered or dropped"
    assert answers < live.sent / 2
    live.close()


def test_after_clear_succeeded_no_frame_is_named(service, walk, photos):
    for name in PEOPLE:
        service.train(name, photos[f"small_{name}"], collection="gone")
    live = session(service, "?collection=gone")
    before = [live.ask(data) for data, _ in walk[:8]]
    assert labels(before[-1]) == sorted(PEOPLE)
    done = threading.Event()

    def clear():
        service.clear(collection="gone")
        done.set()
    threading.Thread(target=clear).start()
    after = []
    for step in range(400):
        cleared = done.is_set()
        answer = live.ask(walk[step % 60][0])
        assert answer["type"] == "frame", answer
        if cleared:
            after.append(answer)
            assert labels(answer) == ["unknown"] * len(answer["faces"]), answer
        if len(after) == 20:
            break
    assert len(after) == 20
    assert {face["track"] for face in after[0]["faces"]} <= {face["track"] for face in before[-1]["faces"]}
    service.train("obama", photos["small_obama"], collection="gone")
    wait_until(lambda: "obama" in labels(live.ask(walk[0][0])), 10, "the new name")
    live.close()


def ready(service):
    with contextlib.suppress(requests.RequestException):
        return service.call("GET", "/healthz/ready").status_code == 200


def keeps_asking(live, data, seconds=60):
    """Sends a frame now and then until one is answered; the words of the problems before that."""
    words, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        live.frame(data)
        got = live.receive(0.2)
        while got is not None:
            if got["type"] == "frame":
                return words
            words.append(got.get("error", got["type"]))
            got = live.receive(0)
    raise AssertionError(f"no answer within {seconds} s: {words}")


def test_workers_that_die_in_mid_session_are_told_and_replaced(service, walk):
    live = session(service)
    assert live.ask(walk[0][0])["type"] == "frame"
    for pid in service.pids("vultus-worker"):
        live.frame(walk[1][0])
        os.kill(pid, signal.SIGKILL)
    words = keeps_asking(live, walk[2][0])
    assert set(words) <= {"no_worker", "deadline_exceeded", "store_unavailable"}, words
    assert labels(live.ask(walk[3][0])) == sorted(PEOPLE)
    live.close()


@pytest.mark.parametrize("who, word", [("vultus-broker", None), ("redis", "store_unavailable")])
def test_a_part_that_dies_is_named_and_the_session_goes_on(service, walk, who, word):
    live = session(service)
    assert live.ask(walk[0][0])["type"] == "frame"
    pid, = service.pids(who)
    os.kill(pid, signal.SIGKILL)
    if word:
        end = time.monotonic() + 20
        got = {}
        while got.get("error") != word:
            assert time.monotonic() < end, got
            live.frame(walk[1][0])
            got = live.receive(0.1) or {}
    words = keeps_asking(live, walk[2][0])
    assert set(words) <= {"no_worker", "deadline_exceeded", "store_unavailable", "queue_full"}, words
    assert labels(live.ask(walk[3][0])) == sorted(PEOPLE)
    live.close()


def test_an_api_that_stops_says_so_and_another_takes_over(service, walk):
    live = session(service)
    pid, = service.pids("vultus-api")
    os.kill(pid, signal.SIGTERM)
    assert live.until("problem", error="draining")
    assert live.receive() == {"type": "closed", "code": 1012}
    live.close()

    def again():
        try:
            return session(service)
        except (OSError, Refused):
            return None
    # The old one serves on for a moment of grace; what begins there ends with it.
    wait_until(lambda: service.pids("vultus-api") not in ([], [pid]), 60, "another process")
    wait_until(lambda: ready(service), 60, "another api")
    live = wait_until(again, 60, "a session with it")
    keeps_asking(live, walk[0][0])
    live.close()


def test_a_bulk_import_does_not_stop_the_picture(service, walk, photos):
    live = session(service)
    accepted = [service.call("POST", "/api/train", files={"file": photos["small_obama2"]},
                             data={"name": f"person {i}", "collection": "bulk"}) for i in range(100)]
    assert [answer.status_code for answer in accepted] == [202] * 100
    jobs, passed = [answer.json() for answer in accepted], []

    def finished():
        return int(service.redis().hget("vultus:{0}:gallery:bulk", "faces") or 0)
    done = finished()
    while done < len(jobs):
        answer = live.ask(walk[len(passed) % 60][0])
        assert answer["type"] == "frame", answer
        before, done = done, finished()
        passed.append(done - before)
    # What a worker has begun ends before a frame, and what waits does not: a few jobs, not a hundred.
    assert sorted(passed)[len(passed) // 2] <= 12, f"jobs that ended before each frame: {passed}"
    assert all(service.finish(job)["state"] == "succeeded" for job in jobs)
    live.close()
