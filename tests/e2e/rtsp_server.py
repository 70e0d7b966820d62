"""A camera in the network: RTSP (RFC 2326) over one TCP connection, JPEG in RTP (RFC 2435). Shows the same pictures again
and again."""
import contextlib
import io
import socket
import struct
import threading
import time

from PIL import Image

PACKET = 1_200


def scan_of(picture, size):
    """Its two quantisation tables and its entropy-coded bytes; RFC 2435 carries nothing else of a JPEG."""
    out = io.BytesIO()
    picture.convert("RGB").resize(size).save(out, "JPEG", quality=85, subsampling=2)
    data, tables, at = out.getvalue(), b"", 2
    while True:
        marker, length = struct.unpack_from(">HH", data, at)
        segment = data[at + 4:at + 2 + length]
        at += 2 + length
        if marker == 0xFFDB:
            tables += b"".join(segment[i + 1:i + 65] for i in range(0, len(segment), 65))
        elif marker == 0xFFDA:
            return tables, data[at:-2]


class RtspCamera:
    """Ends with stop(), as a camera that loses power; start() brings it back at the same address."""

    def __init__(self, pictures, size=(640, 480), rate=10):
        self.size, self.rate, self.port = size, rate, 0
        self.scans = [scan_of(one, size) for one in pictures]
        self.start()

    @property
    def url(self):
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def start(self):
        self.over, self.open = threading.Event(), set()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def stop(self):
        self.over.set()
        for one in (self.listener, *self.open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self.threads:
            thread.join(10)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                self.open.add(peer)
                self.threads.append(threading.Thread(target=self.serve, args=(peer,)))
                self.threads[-1].start()

    def serve(self, peer):
        with contextlib.suppress(OSError):
            held = b""
            while part := peer.recv(4_096):
                held += part
                while b"\r\n\r\n" in held:
                    head, held = held.split(b"\r\n\r\n", 1)
                    if self.answer(peer, head.decode()) == "PLAY":
                        self.play(peer)

    def answer(self, peer, head):
        first, *lines = head.split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        method, body = first.split()[0], ""
        more = {"OPTIONS": "Public: DESCRIBE, SETUP, PLAY\r\n", "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
                "DESCRIBE": "Content-Type: application/sdp\r\n"}.get(method, "")
        if method == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=door\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track\r\n"
        peer.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {fields['cseq']}\r\nSession: 1\r\n{more}"
                     f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return method

    def play(self, peer):
        number = 0
        for frame in range(1_000_000):
            tables, scan = self.scans[frame % len(self.scans)]
            for at in range(0, len(scan), PACKET):
                last = at + PACKET >= len(scan)
                packet = struct.pack(">BBHII", 0x80, 26 | last << 7, number & 0xFFFF, frame * 90_000 // self.rate, 1)
                packet += struct.pack(">BBHBBBB", 0, at >> 16, at & 0xFFFF, 1, 255, self.size[0] // 8, self.size[1] // 8)
                if at == 0:
                    packet += struct.pack(">BBH", 0, 0, len(tables)) + tables
                packet += scan[at:at + PACKET]
                peer.sendall(struct.pack(">BBH", ord("$"), 0, len(packet)) + packet)
                number += 1
            if self.over.wait(1 / self.rate):
                return
