"""A client of /api/live in plain sockets, and clips of faces that move. Used by tests and by the bench."""
import base64
import io
import json
import math
import os
import random
import select
import socket
import ssl
import struct
import time

from conftest import jpeg
from PIL import Image, ImageChops

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Refused(Exception):
    """The handshake was answered with another status than 101."""

    def __init__(self, status, head, body):
        super().__init__(f"{status} {body}")
        self.status, self.head, self.body = status, head, body


class Live:
    """One session. Messages are dictionaries; {"type": "closed", "code": ...} is the end."""

    def __init__(self, port, query="", tls=None, room=None, **fields):
        self.socket = socket.socket()
        self.socket.settimeout(20)
        if room is not None:  # of the receive buffer
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.held, self.sent = b"", 0
        key = base64.b64encode(os.urandom(16)).decode()
        head = {"Host": f"127.0.0.1:{port}", "Connection": "Upgrade", "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
                **{name.replace("_", "-"): value for name, value in fields.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.socket.sendall(f"GET /api/live{query} HTTP/1.1\r\n{lines}\r\n".encode())
        while b"\r\n\r\n" not in self.held:
            self._more(20)
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        if status != 101:
            with_length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
            while with_length and len(self.held) < int(with_length[0].split(b":")[1]):
                self._more(20)
            self.socket.close()
            raise Refused(status, head.decode(), self.held.decode())

    def _more(self, seconds):
        """False if nothing came in time."""
        decrypted = isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()
        if not decrypted and not select.select([self.socket], [], [], max(seconds, 0))[0]:
            return False
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError("the connection ended without a goodbye")
        self.held += part
        return True

    def send(self, opcode, data):
        # The mask is four zero bytes: nothing to do, and allowed.
        size = len(data)
        length = bytes([0x80 | size]) if size < 126 else (
            b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size))
        self.socket.sendall(bytes([0x80 | opcode]) + length + b"\0\0\0\0" + data)

    def frame(self, data):
        """Sends one frame; gives its seq."""
        self.sent += 1
        self.send(BINARY, data)
        return self.sent

    def settings(self, **options):
        self.send(TEXT, json.dumps(options).encode())

    def _take(self):
        """(opcode, payload) of one whole WebSocket frame, or None."""
        if len(self.held) < 2:
            return None
        size, begin = self.held[1] & 127, 2
        if size == 126:
            size, begin = (struct.unpack(">H", self.held[2:4])[0], 4) if len(self.held) >= 4 else (1 << 62, 4)
        elif size == 127:
            size, begin = (struct.unpack(">Q", self.held[2:10])[0], 10) if len(self.held) >= 10 else (1 << 62, 10)
        if len(self.held) < begin + size:
            return None
        opcode, payload = self.held[0] & 15, self.held[begin:begin + size]
        self.held = self.held[begin + size:]
        return opcode, payload

    def receive(self, seconds=20):
        """The next message; None if none came in time."""
        end = time.monotonic() + seconds
        while True:
            got = self._take()
            if got is None:
                if not self._more(end - time.monotonic()):
                    return None
                continue
            opcode, payload = got
            if opcode == TEXT:
                return json.loads(payload)
            if opcode == PING:
                self.send(PONG, payload)
            if opcode == CLOSE:
                return {"type": "closed", "code": struct.unpack(">H", payload[:2])[0] if payload else 1005}

    def until(self, kind, seconds=30, **values):
        """The next message of this type with these values; what comes before it is dropped."""
        end = time.monotonic() + seconds
        while True:
            got = self.receive(end - time.monotonic())
            assert got is not None, f"no {kind} {values} within {seconds} s"
            if got["type"] == kind and all(got.get(name) == value for name, value in values.items()):
                return got
            assert got["type"] != "closed" or kind == "closed", got

    def ask(self, data, seconds=30):
        """Sends a frame and gives its answer or the problem with it."""
        seq = self.frame(data)
        end = time.monotonic() + seconds
        while True:
            got = self.receive(end - time.monotonic())
            assert got is not None, f"frame {seq} was not answered within {seconds} s"
            if got.get("seq") == seq:
                return got

    def close(self):
        self.socket.close()


# ---- clips -------------------------------------------------------------------------------------------

def heads(photos, names, side):
    """The face of each photo with some room around it, `side` pixels high."""
    # Left, top, right, bottom of the head as shares of the photo's sides.
    boxes = {"obama": (0.235, 0.02, 0.835, 0.455), "obama2": (0.016, 0.117, 0.96, 0.61),
             "biden": (0.2, 0.02, 0.98, 0.354)}
    found = []
    for name in names:
        picture = Image.open(io.BytesIO(photos[name])).convert("RGB")
        width, height = picture.size
        left, top, right, bottom = boxes.get(name, (0, 0, 1, 1))
        face = picture.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))
        found.append(face.resize((side * face.width // face.height, side)))
    return found


def clip(photos, names, frames, side=230, noise=0, seed=1, speed=0.05):
    """(JPEG, centre of each head) for each frame of 640x480: heads swing from left to right, each in its own half."""
    chance = random.Random(seed)
    pictures = heads(photos, names, side)
    back = Image.new("RGB", (640, 480), (96, 112, 120))
    made = []
    for step in range(frames):
        canvas, centres = back.copy(), []
        room = 640 // len(pictures)
        for i, head in enumerate(pictures):
            free = max(room - head.width, 0)
            left = i * room + int(free * (0.5 + 0.5 * math.sin(step * speed + 2 * i)))
            top = int((480 - head.height) * (0.5 + 0.4 * math.sin(step * speed * 0.7 + i)))
            canvas.paste(head, (left, top))
            centres.append((left + head.width / 2, top + head.height / 2))
        if noise:
            dirt = Image.effect_noise((640, 480), noise * chance.uniform(0.5, 1.5)).convert("RGB")
            canvas = ImageChops.add(canvas, dirt, 1, -128)
        made.append((jpeg(canvas, quality=85), centres))
    return made


def face_at(answer, centre):
    """The face whose box holds that point, or None."""
    for face in answer["faces"]:
        box = face["box"]
        if box["left"] <= centre[0] <= box["right"] and box["top"] <= centre[1] <= box["bottom"]:
            return face
    return None
