"""Services as a client must bear them: absent, silent, slow, and wrong. Each is a listening socket with one way of
answering; no test waits for a fixed time, as every client has a deadline that the test shortens."""
import contextlib
import json
import socket
import threading

from conftest import free_port


def http(status, body, kind="application/json", **more):
    """A whole answer, as bytes."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class BadService:
    """`answer`: the bytes, None for silence, or what makes the bytes of (request, number of it). `pace_s`: between two
    bytes. `asked`: the requests that came, as bytes."""

    def __init__(self, answer, pace_s=0.0):
        self.answer, self.pace_s, self.asked = answer, pace_s, []
        self._end, self._links = threading.Event(), []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._open, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end.set()
        for one in (self._door, *self._links):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _open(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._door.accept()
                self._links.append(link)
                threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        with contextlib.suppress(OSError), link:
            request = self._request(link)
            if not request:
                return
            self.asked.append(request)
            answer = self.answer(request, len(self.asked)) if callable(self.answer) else self.answer
            if answer is None:
                self._end.wait()
            elif self.pace_s == 0:
                link.sendall(answer)
            else:
                for byte in answer:
                    link.sendall(bytes([byte]))
                    if self._end.wait(self.pace_s):
                        return

    @staticmethod
    def _request(link):
        data = b""
        while b"\r\n\r\n" not in data:
            more = link.recv(65_536)
            if not more:
                return data
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
                while len(body) < length:
                    more = link.recv(65_536)
                    if not more:
                        break
                    body += more
        return head + b"\r\n\r\n" + body


class Absent:
    """Nobody listens at this address."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


HTML = http("200 OK", "<html><body>It works!</body></html>", "text/html")
REDIRECT = http("301 Moved Permanently", "", Location="https://elsewhere.example/")
TRUNCATED = http("200 OK", '{"faces":[{"label":"Ada","cou')
CUT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"faces\":["
GARBAGE = b"\x00\x01\x02 220 mail.example ESMTP\r\n"
WRONG_TYPES = http("200 OK", json.dumps({"faces": "none", "state": 7, "collections": 1, "id": [], "image": "no"}))
NOT_OBJECT = http("200 OK", "[1, 2, 3]")
DEEP = http("200 OK", "[" * 200_000)
WRONG = {"html": HTML, "redirect": REDIRECT, "truncated": TRUNCATED, "cut": CUT, "garbage": GARBAGE,
         "wrong_types": WRONG_TYPES, "not_object": NOT_OBJECT, "deep": DEEP}


def bad_service(name):
    """By name: absent, silent, slow, or one of WRONG."""
    if name == "absent":
        return Absent()
    if name == "silent":
        return BadService(None)
    if name == "slow":
        return BadService(http("200 OK", json.dumps({"faces": [], "padding": "x" * 100})), pace_s=1.0)
    return BadService(WRONG[name])


ALL = ["absent", "silent", "slow", *WRONG]
