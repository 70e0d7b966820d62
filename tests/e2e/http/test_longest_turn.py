"""The api's one thread serves everybody, so no request may hold it. The worst body that each address takes is sent to the
release programs, and after each the api says how much CPU time its longest turn took since it started.
"""
import json
import re
import socket

import pytest
import worst_bodies
from conftest import PREFIX, running, wait_until
from test_attacks import readable

MOST = 0.1  # seconds of CPU time


def longest(service, clock="processor"):
    text = service.call("GET", "/metrics").text
    return float(re.search(rf'^vultus_api_loop_longest_turn_seconds\{{clock="{clock}"\}} (\S+)', text, re.M)[1])


class Turns:
    """Asks after each request; the first that holds the loop is named."""

    def __init__(self, service):
        self.service, self.worst, self.all = service, longest(service), []

    def note(self, what):
        now = longest(self.service)
        if now > self.worst:
            self.worst = now
            self.all.append((round(now * 1000, 1), what))
        assert now <= MOST, f"{what}: a turn of {now * 1000:.0f} ms of CPU time"

    def say(self):
        print(f"longest turn {self.worst * 1000:.1f} ms of CPU time, {longest(self.service, 'wall') * 1000:.1f} ms in all;",
              "rising:", self.all[-6:])


@pytest.fixture(scope="module")
def quiet():
    with running(settings=["api.queue_bytes_max=10485760"]) as one:
        yield one


def send(service, method, target, fields, body=b"", pieces=None):
    """The status, whatever else is answered; the answer may come before all is sent."""
    with socket.create_connection(("127.0.0.1", service.port)) as link:
        link.settimeout(60)
        try:
            link.sendall(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode() + fields)
            link.sendall(b"\r\n")
            for piece in pieces or [body]:
                link.sendall(piece)
        except OSError:
            pass  # refused early
        try:
            said = b""
            while b"\r\n" not in said and readable(link, 60):
                part = link.recv(1 << 16)
                said += part
                if not part:
                    break
            while part := link.recv(1 << 20):
                said += part
        except OSError:
            pass
    assert said.startswith(b"HTTP/1.1 "), (method, target, said[:80])
    status = int(said[9:12])
    assert status < 500 or status == 503, (method, target, said[:200])
    return status


def post(service, target, kind, body):
    return send(service, "POST", target, b"Content-Type: %s\r\nContent-Length: %d\r\n" % (kind.encode(), len(body)), body)


ALL = worst_bodies.routes()
PHOTO = [path for method, path, photo in ALL if method == "POST" and photo]
SMALL = [(method, path) for method, path, photo in ALL if method in ("POST", "DELETE", "PATCH") and not photo]
STREAMS = {"/api/events"}


def test_the_worst_json(quiet):
    turns = Turns(quiet)
    for name, body in worst_bodies.json_bodies():
        for path in PHOTO:
            for query in ("", "?durable=false") if path == "/api/recognize" else ("",):
                post(quiet, path + query, "application/json", body)
                turns.note(f"{path}{query}: {name}")
    turns.say()


def test_the_worst_forms_and_pictures(quiet):
    turns = Turns(quiet)
    for path in PHOTO:
        for name, boundary, body in worst_bodies.form_bodies():
            post(quiet, path, "multipart/form-data; boundary=" + boundary.decode(), body)
            turns.note(f"{path}: form of {name}")
        for kind, name, body in worst_bodies.raw_bodies():
            post(quiet, path, kind, body)
            post(quiet, path + "?durable=false", kind, body)
            turns.note(f"{path}: {kind} of {name}")
        chunks = [b"1\r\nx\r\n" * 20_000] * 50 + [b"0\r\n\r\n"]
        send(quiet, "POST", path, b"Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n", pieces=chunks)
        turns.note(f"{path}: chunks of a byte")
    turns.say()


def test_the_worst_of_what_takes_no_photo(quiet):
    turns = Turns(quiet)
    small = worst_bodies.FORM_MOST
    bodies = [("application/x-www-form-urlencoded", name, body) for name, body in worst_bodies.url_forms()]
    bodies += [("application/json", "members", worst_bodies.members(worst_bodies.colliding(5_000))[:small]),
               ("application/json", "depth", b"[" * small), ("application/json", "a number", b'{"days":' + b"7" * (small - 9) + b"}"),
               ("multipart/form-data; boundary=b", "parts", b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 1_000)]
    for method, path in SMALL:
        for kind, name, body in bodies:
            send(quiet, method, path, b"Content-Type: %s\r\nContent-Length: %d\r\n" % (kind.encode(), len(body)), body)
        turns.note(f"{method} {path}")
    turns.say()


def test_the_worst_headers_and_addresses(quiet):
    turns = Turns(quiet)
    for method, path, _ in ALL:
        if path in STREAMS or path.endswith("/events"):
            continue
        for name, lines in worst_bodies.headers():
            send(quiet, method, path, lines + b"Content-Length: 0\r\n")
        for name, more in worst_bodies.targets():
            send(quiet, method, path + more, b"Content-Length: 0\r\n")
        turns.note(f"{method} {path}")
    send(quiet, "GET", "/healthz/live", b"x" * 20_000)
    many = b"GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2_000  # sent ahead
    with socket.create_connection(("127.0.0.1", quiet.port)) as link:
        link.sendall(many)
        said = b""
        while said.count(b"HTTP/1.1 200") < 2_000:
            said += link.recv(1 << 20)
    turns.note("requests sent ahead")
    turns.say()


def fill(service):
    """A page of each listing with as much as a row can have, and a job with the largest result."""
    store, model = service.redis(), "m"
    pipe = store.pipeline(transaction=False)
    for begin in range(0, 1_000, 100):
        words = []
        for n in range(begin, begin + 100):
            label = f"{n:04}" + "é" * 98
            for face, who in ((n, label), (n + 5_000, "Ada")):
                job = f"01936a3e-7f10-7b01-a3c4-{face:012x}"
                words += [f"{job}-0", who, json.dumps({"label": who, "job_id": job, "created_at": "2026-03-02T09:30:00.120Z", "box":
                          {"left": 1, "top": 2, "right": 3, "bottom": 4}, "detection_score": 1.5}, ensure_ascii=False,
                          separators=(",", ":")), b"\0" * 512]
        pipe.fcall("vultus1_restore", 1, PREFIX, "full", model, *words)
    assert all(answer[0] == b"ok" for answer in pipe.execute())
    for n in range(1_000):
        job = f"01936a3e-7f10-7b01-a3c5-{n:012x}"
        pipe.fcall("vultus1_accept", 1, PREFIX, job, "train", "full", "bulk", "{}", "é" * 100, "a", "", 3_600_000, "", "", 10_000,
                   1 << 30, "x")
    assert all(answer[0] == b"ok" for answer in pipe.execute())


def test_long_answers_and_many_who_wait(quiet, photos):
    turns = Turns(quiet)
    fill(quiet)
    for path in ("/api/faces?collection=full&page_size=1000", "/api/faces/Ada?collection=full", "/api/jobs?page_size=1000",
                 "/api/collections?page_size=1000", "/api/status", "/metrics", "/openapi.json", "/"):
        answer = quiet.call("GET", path)
        assert answer.status_code == 200, answer.text
        turns.note(f"GET {path}, {len(answer.content)} bytes")
    links = []
    try:
        for _ in range(560):  # as many as one address gets, each told of every change
            links.append(socket.create_connection(("127.0.0.1", quiet.port)))
            links[-1].sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: "vultus_event_waiters 560" in quiet.call("GET", "/metrics").text, what="all who wait")
        store = quiet.redis()
        pipe = store.pipeline(transaction=False)
        for n in range(1_000):
            pipe.fcall("vultus1_cancel", 1, PREFIX, f"01936a3e-7f10-7b01-a3c5-{n:012x}")
        pipe.execute()
        for link in links:
            assert readable(link, 30)
        turns.note("a thousand changes told to 560")
    finally:
        for link in links:
            link.close()
    turns.say()


def test_the_loops_of_broker_and_worker_are_measured_and_short(quiet, photos):
    for _ in range(3):
        quiet.recognize(photos["small_obama"])
        assert quiet.call("POST", "/api/recognize", files={"file": ("a.jpg", photos["small_obama"])}, data={"durable": "false"}).ok

    def told():
        text = quiet.call("GET", "/metrics").text
        found = re.findall(r'^vultus_(broker|worker)_loop_longest_turn_seconds\{(?=.*clock="processor").*\} (\S+)', text, re.M)
        return found if len(found) == 2 else None
    turns = {kind: float(seconds) for kind, seconds in wait_until(told, what="a heartbeat and a status")}
    print(turns)
    assert set(turns) == {"broker", "worker"} and 0 < max(turns.values()) <= MOST, turns


def test_websockets_in_pieces(quiet, photos):
    turns = Turns(quiet)
    with socket.create_connection(("127.0.0.1", quiet.port)) as link:
        link.sendall(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        link.settimeout(60)
        assert link.recv(4096).startswith(b"HTTP/1.1 101")
        link.sendall(b"\x02\x81\0\0\0\0x" + b"\0\x81\0\0\0\0x" * 300_000 + b"\x80\x80\0\0\0\0")  # fragments of a byte
        link.sendall(b"\x89\x80\0\0\0\0" * 20_000)  # pings
        text = b'{"' + b"a" * 4_000 + b'":1}'
        for _ in range(200):
            link.sendall(b"\x81\xfe" + len(text).to_bytes(2, "big") + b"\0\0\0\0" + text)
        assert readable(link, 30) and link.recv(1 << 16)
    turns.note("a live channel")
    turns.say()
