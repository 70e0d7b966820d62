"""The parts of config/starting by themselves: who answers, what Redis says while it loads, room on a disk, lines of a log."""
import http.server
import json
import os
import pathlib
import socketserver
import sys
import threading

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "config"))

from starting import folder, output, probe, words  # noqa: E402
from starting.child import Child, describe  # noqa: E402


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, fields, body = self.server.told[self.path]
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def api(tmp_path):
    """A service on a port, and what asks it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asks = probe.Api(tmp_path / "api.address")
        asks.address_file.write_text(f"http://127.0.0.1:{server.server_port}\n")
        workers = [{"host": probe.HOST, "pid": 11}, {"host": "elsewhere", "pid": 12}]
        server.told = {"/healthz/ready": (200, {"Vultus-Instance": asks.instance}, b"ready\n"),
                       "/api/status": (200, {}, json.dumps({"workers": workers}).encode())}
        asks.told = server.told
        yield asks
        server.shutdown()


def test_only_this_instance_is_ready(api):
    assert api.why_not_ready([11]) == ""
    for fields in ({}, {"Vultus-Instance": "0" * 32}):
        api.told["/healthz/ready"] = (200, fields, b"ready\n")
        assert "another service answers at http://127.0.0.1:" in api.why_not_ready([11])


def test_its_own_workers_are_there_and_nobody_elses(api):
    assert "1 of 1 workers" in api.why_not_ready([12]), "that one is on another host"
    assert "1 of 2 workers" in api.why_not_ready([11, 13])
    assert "1 of 1 workers" in api.why_not_ready([None]), "it died"
    api.told["/api/status"] = (401, {}, b"{}")
    assert api.why_not_ready([13]) == "", "it asks for a key"


def test_what_is_wrong_is_said(api):
    problem = json.dumps({"title": "Database unavailable", "detail": "no socket"}).encode()
    api.told["/healthz/ready"] = (503, {"Vultus-Instance": api.instance}, problem)
    assert api.why_not_ready([11]) == "the api is not ready: Database unavailable: no socket"
    api.told["/healthz/ready"] = (503, {"Vultus-Instance": api.instance}, b"<html>")
    assert "does not say why" in api.why_not_ready([11])
    api.forget_address()
    assert api.why_not_ready([11]) == "the api does not listen yet"
    api.address_file.write_text("http://127.0.0.1:1\n")
    assert "does not answer" in api.why_not_ready([11])
    for text in ("nonsense", "http://", "http://[::1"):
        api.address_file.write_text(text)
        assert api.why_not_ready([11]) != ""


@pytest.mark.parametrize("said, state", [(b"+PONG\r\n", "ready"), (b"-LOADING Redis is loading the dataset in memory\r\n", "loading"),
                                         (b"-NOAUTH Authentication required.\r\n", "away"), (b"", "away")])
def test_a_redis_that_loads_is_told_from_one_that_is_away(tmp_path, said, state):
    class Says(socketserver.StreamRequestHandler):
        def handle(self):
            self.rfile.readline()
            self.wfile.write(said)
    path = str(tmp_path / "redis.sock")
    assert probe.redis_state(path) == "away"
    with socketserver.ThreadingUnixStreamServer(path, Says) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert probe.redis_state(path) == state
        server.shutdown()


def test_room_is_looked_at(tmp_path, monkeypatch):
    class Room:
        f_frsize, f_files = 4096, 1000

        def __init__(self, blocks, names):
            self.f_bavail, self.f_favail = blocks, names
    one = folder.Folder(tmp_path / "d")
    one.prepare()
    for room in (Room(100, 100), Room(0, 100), Room(1 << 20, 0)):
        monkeypatch.setattr(folder.os, "statvfs", lambda _, room=room: room)
        with pytest.raises(output.Refused, match="the disk is full"):
            one.check_room()
    monkeypatch.setattr(folder.os, "statvfs", lambda _: Room(1 << 20, 1000))
    one.check_room()


def test_a_folder_with_other_things_in_it_is_not_closed_but_our_parts_are(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    (tmp_path / "run").mkdir()
    for path, mode in ((tmp_path / "holiday.jpg", 0o644), (tmp_path / "run", 0o755), (tmp_path, 0o755)):
        path.chmod(mode)
    folder.Folder(tmp_path).prepare()
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path, tmp_path / "holiday.jpg", tmp_path / "run", tmp_path / "redis")]
    assert modes == [0o755, 0o644, 0o700, 0o700]


def test_the_reason_of_an_end_is_the_programs_own_line(tmp_path):
    log = tmp_path / "log"
    child = Child("redis", ["/x/redis"], log)
    log.write_text("1:M 30 Nov 2026 09:47:17.854 # Could not bind\n1:M 30 Nov 2026 09:47:17.854 * bye bye\n")
    assert child.reason() == "Could not bind"
    child = Child("api", ["/x/vultus-api"], log)
    log.write_text("2026 info api listening\nvultus-api: the reason\n2026 info api stopped\n")
    assert child.reason() == "the reason"
    child.log_start = log.stat().st_size
    assert child.reason() == "", "that was an earlier start"
    assert [describe(code) for code in (2, -9, -64, -33)] == ["exit code 2", "signal SIGKILL", "signal SIGRTMAX", "signal 33"]


def test_a_program_that_cannot_be_started_is_due_again(tmp_path):
    child = Child("api", [str(tmp_path / "nowhere")], tmp_path / "log")
    assert not child.start() and "nowhere" in child.failure and child.pid() is None
    with pytest.raises(output.Refused, match="api cannot be started"):
        child.start_or_refuse()
    child = Child("api", ["/bin/true"], tmp_path / "no/log")
    assert not child.start()


def test_a_refusal_is_one_line():
    assert str(output.Refused("a\n b\t\x1b[31mc ")) == "a b [31mc"
    with pytest.raises(output.Refused):
        words.read_words(["--workers", "x"])


def test_words_that_are_not_given_leave_settings_alone():
    given = words.read_words([])
    assert (given.port, given.data, given.devices, given.set) == (None, None, [None], [])
    assert pathlib.Path(given.config) == ROOT / "config/vultus.toml"
    assert words.read_words(["--config", "x.toml"]).config == os.path.join(os.getcwd(), "x.toml")
