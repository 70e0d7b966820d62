"""Somebody takes all there is, of connections, descriptors or room, from one address; others are served meanwhile."""
import contextlib
import re
import resource
import select
import socket
import subprocess
import threading
import time

import pytest
from conftest import names, running, wait_until
from test_attacks import readable
from test_login import Person, add_user
from test_longest_turn import MOST

HALF = b"GET /healthz/live HTTP/1.1\r\nHost: lo"
SLOW = b"POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: 10485760\r\n%s\r\n\xff\xd8"


@contextlib.contextmanager
def descriptors():
    """As many for this process as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Flood(threading.Thread):
    """Keeps so many connections open that each said `begin`; one that is closed is made again, slow ones give a byte now
    and then."""

    def __init__(self, port, kinds):
        super().__init__(daemon=True)
        self.port, self.kinds, self.over, self.made, self.links = port, kinds, threading.Event(), 0, {}

    def open(self, begin, slow):
        link = socket.socket()
        link.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            link.connect(("127.0.0.1", self.port))
        self.links[link.fileno()] = [link, begin, slow, False]
        self.poll.register(link, select.POLLOUT | select.POLLIN)
        self.made += 1

    def run(self):
        self.poll = select.poll()
        for count, begin, slow in self.kinds:
            for _ in range(count):
                self.open(begin, slow)
        drip = time.monotonic()
        while not self.over.is_set():
            for fd, event in self.poll.poll(50):
                link, begin, slow, said = self.links[fd]
                try:
                    if event & select.POLLOUT and not said:
                        link.send(begin)
                        self.links[fd][3] = True
                        self.poll.modify(fd, select.POLLIN)
                    if event & (select.POLLIN | select.POLLHUP | select.POLLERR) and not link.recv(1 << 16):
                        raise ConnectionResetError
                except BlockingIOError:
                    pass
                except OSError:
                    self.poll.unregister(fd)
                    del self.links[fd]
                    link.close()
                    self.open(begin, slow)
            if time.monotonic() - drip > 1:
                drip = time.monotonic()
                for link, _, slow, said in self.links.values():
                    if slow and said:
                        with contextlib.suppress(OSError):
                            link.send(b"x")

    def stop(self):
        self.over.set()
        self.join()
        for link, *_ in self.links.values():
            link.close()


def one_request(port, target, fields=""):
    """The status of a request on a connection of its own, and how long it took."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as link:
        try:
            link.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n".encode())
            said = b""
            while readable(link, 10) and (part := link.recv(1 << 16)):
                said += part
        except ConnectionResetError:
            return 0, time.monotonic() - begun
    return (int(said[9:12]) if said else 0), time.monotonic() - begun


@pytest.fixture(scope="module")
def keyed(photos):
    with running(settings=["api.access=keys"]) as one:
        add_user(one.data, "ada", "admin")
        wait_until(lambda: one.call("POST", "/api/session", json={"name": "ada", "password": "correct horse battery"}).status_code == 200,
                   what="the secret")
        one.person = Person(one.url, "ada", 1)
        yield one


def test_a_flood_from_one_address_keeps_out_neither_health_nor_who_is_logged_in(keyed):
    """500 that give a byte a second of a body, 500 of a header, 600 that say nothing, 1,100 halves of a header."""
    cookie = f"Cookie: vultus_session={keyed.person.cookie}\r\n"
    slow = SLOW % f"{cookie}X-CSRF-Token: {keyed.person.told['csrf']}\r\n".encode()
    asked = {"/healthz/live": "", "/healthz/ready": "", "/api/faces": cookie, "/api/session": cookie}
    with descriptors():
        flood = Flood(keyed.port, [(500, slow, True), (500, HALF, True), (600, b"", False), (1_100, HALF, False)])
        flood.start()
        found = {target: [] for target in asked}
        try:
            wait_until(lambda: flood.made > 2_700, what="the flood")
            end = time.monotonic() + 15  # longer than a body and a header may rest
            while time.monotonic() < end:
                for target, fields in asked.items():
                    found[target].append(one_request(keyed.port, target, fields))
        finally:
            flood.stop()
    for target, answers in found.items():
        times = sorted(seconds for _, seconds in answers)
        print(f"{target}: {len(answers)} asked, longest {times[-1] * 1000:.0f} ms, median {times[len(times) // 2] * 1000:.1f} ms")
        counts = {status: sum(1 for one, _ in answers if one == status) for status, _ in answers}
        assert list(counts) == [200], (target, counts)
    key = keyed.person.call("GET", "/metrics").text
    turn = float(re.search(r'longest_turn_seconds\{clock="processor"\} (\S+)', key)[1])
    wall = float(re.search(r'longest_turn_seconds\{clock="wall"\} (\S+)', key)[1])
    print(f"{flood.made} connections; longest turn {turn * 1000:.1f} ms of CPU time, {wall * 1000:.1f} ms in all")
    assert turn <= MOST


def test_bodies_that_are_declared_and_do_not_come_take_no_room(photos):
    with running(settings=["api.inflight_body_bytes_max=10485760"]) as service:
        links = []
        try:
            for sent in (b"", b"x" * 300_000):
                for _ in range(26):
                    links.append(socket.create_connection(("127.0.0.1", service.port)))
                    links[-1].sendall(SLOW % b"" + sent)
            for _ in range(5):
                answer = service.call("POST", "/api/recognize", files={"file": photos["small_obama"]}, params={"durable": "false"})
                assert answer.status_code == 200, answer.text
        finally:
            for link in links:
                link.close()


def limit_of(pid):
    found = subprocess.run(["prlimit", "--pid", str(pid), "--nofile", "--output=SOFT,HARD", "--noheadings"], capture_output=True,
                           text=True, check=True)
    return [int(word) for word in found.stdout.split()]


def test_a_service_with_256_descriptors_serves(photos):
    with running(workers=2, prefix=("prlimit", "--nofile=256:256")) as service:
        service.train("Barack", photos["small_obama"])
        assert names(service.recognize(photos["small_obama2"])) == ["Barack"]
        log = service.data / "log/api.log"
        assert log.read_text().count("connections_lowered") == 1
        links = []
        try:
            for _ in range(320):
                links.append(socket.create_connection(("127.0.0.1", service.port)))
                with contextlib.suppress(OSError):  # it may have given way already
                    links[-1].sendall(b"G")  # without a byte it is not accepted
            for _ in range(10):
                assert one_request(service.port, "/healthz/ready")[0] == 200
                answer = service.call("POST", "/api/recognize", files={"file": photos["small_obama2"]}, params={"durable": "false"})
                assert answer.status_code == 200 and names(answer.json()) == ["Barack"], answer.text
            assert names(service.recognize(photos["small_obama2"])) == ["Barack"]
            status = service.call("GET", "/api/status").json()
            assert len(status["workers"]) == 2 and status["state"] == "ready", status
        finally:
            for link in links:
                link.close()
        assert log.read_text().count("accept_failed") <= 3, service.logs()
        assert service.fsck() == []
        pids = service.pids("vultus-") + service.pids("redis")
        assert pids and all(limit_of(pid) == [256, 256] for pid in pids)


def test_a_low_soft_limit_is_raised():
    with running(prefix=("prlimit", "--nofile=256:4096")) as service:
        for name in ("vultus-api", "vultus-broker", "vultus-worker", "redis"):
            pid, = service.pids(name)
            assert limit_of(pid)[0] > 2_048, name
        assert "connections_lowered" not in (service.data / "log/api.log").read_text()


def test_many_who_follow_events_leave_places_for_others(keyed):
    cookie = f"Cookie: vultus_session={keyed.person.cookie}\r\n"
    with descriptors():
        links = []
        try:
            for _ in range(1_100):
                links.append(socket.create_connection(("127.0.0.1", keyed.port)))
                links[-1].sendall(f"GET /api/events HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n".encode())
            assert one_request(keyed.port, "/healthz/live")[0] == 200
            assert one_request(keyed.port, "/api/faces", cookie)[0] == 200
            assert one_request(keyed.port, "/")[0] == 200
            add_user(keyed.data, "bob", "viewer")
            bob = Person(keyed.url, "bob", 2)
            with socket.create_connection(("127.0.0.1", keyed.port)) as link:
                link.sendall(f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nCookie: vultus_session={bob.cookie}\r\n\r\n".encode())
                assert readable(link, 10) and link.recv(4096).startswith(b"HTTP/1.1 200")
        finally:
            for link in links:
                link.close()
