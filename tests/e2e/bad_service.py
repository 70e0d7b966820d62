"""Services as a client must bear them: absent, silent, slow, and wrong. Each is a listening socket with one way of
answering; no test waits for a fixed time, as every client has a deadline that the test shortens."""
import base64
import contextlib
import hashlib
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
        return BadService(http("200 OK", json.dumps({"faces": [], "padding": "x" * 1000})), pace_s=0.2)
    return BadService(WRONG[name])


ALL = ["absent", "silent", "slow", *WRONG]


class BadRedis(BadService):
    """Answers the greeting's PING, and each command after it with the same bytes; None: silence from the beginning."""

    def _serve(self, link):
        with contextlib.suppress(OSError), link:
            greeted = False
            while True:
                words = link.recv(65_536)
                if not words:
                    return
                self.asked.append(words)
                if self.answer is None:
                    self._end.wait()
                    return
                answer = self.answer if greeted else b"+PONG\r\n"
                greeted = True
                for byte in answer:
                    link.sendall(bytes([byte]))
                    if self.pace_s and self._end.wait(self.pace_s):
                        return


class BadLive(BadService):
    """A WebSocket whose messages go to told(kind, data, send); send(text) answers. kind: 1 text, 2 binary."""

    def _serve(self, link):
        with contextlib.suppress(OSError, ConnectionError), link:
            head = self._request(link).decode()
            key = next(line.split(":", 1)[1].strip() for line in head.split("\r\n")
                       if line.lower().startswith("sec-websocket-key"))
            accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            link.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            whole = b""
            while True:
                first, second = self._exactly(link, 2)
                length = second & 0x7F
                if length >= 126:
                    length = int.from_bytes(self._exactly(link, 2 if length == 126 else 8), "big")
                mask, data = self._exactly(link, 4), self._exactly(link, length)
                whole += bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)) if length < 4096 else data
                kind = first & 0x0F or kind
                if first & 0x80:
                    self.answer(kind, whole, lambda text: link.sendall(self._text(text)))
                    whole = b""

    @staticmethod
    def _exactly(link, count):
        data = b""
        while len(data) < count:
            more = link.recv(count - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    @staticmethod
    def _text(text):
        data = text.encode()
        size = bytes([len(data)]) if len(data) < 126 else bytes([126]) + len(data).to_bytes(2, "big")
        return b"\x81" + size + data
