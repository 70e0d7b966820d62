"""A server that a surface hands requests on to, as well behaved or as bad as a test wants it."""
import contextlib
import json
import socket
import threading

from conftest import free_port


class Upstream:
    """Answers each request with `answer`: bytes, or None to say nothing. `seen`: the requests as they came."""

    def __init__(self):
        self.answer, self.seen = self.json_answer({"success": True, "predictions": []}), []
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.held = []

    @staticmethod
    def json_answer(value, status=200, extra=""):
        body = json.dumps(value).encode()
        return (f"HTTP/1.0 {status} X\r\nContent-Type: application/json\r\nSet-Cookie: a=b\r\n{extra}"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def serve(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.settimeout(5)
            data = b""
            with contextlib.suppress(OSError):
                while b"\r\n\r\n" not in data:
                    data += client.recv(65536)
                head = data.split(b"\r\n\r\n")[0]
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(data) < len(head) + 4 + length:
                    data += client.recv(65536)
            self.seen.append(data)
            if self.answer is None:
                self.held.append(client)
                continue
            with contextlib.suppress(OSError):
                client.sendall(self.answer)
            client.close()

    @contextlib.contextmanager
    def running(self):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            listener.listen()
            threading.Thread(target=self.serve, args=(listener,), daemon=True).start()
            try:
                yield self
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                for one in self.held:
                    one.close()


# What no client may get from one: the answer, and a word for the test's name.
BAD_ANSWERS = {
    "a redirect": b"HTTP/1.0 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n",
    "no http": b"hello\r\n\r\n",
    "nothing": b"",
    "a page": b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<script>",
    "broken json": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{",
    "too little": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{}",
    "too much": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + b" " * (5 << 20) + b"{}",
    "chunks": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a strange status": b"HTTP/1.0 999 OK\r\nContent-Type: application/json\r\n\r\n{}",
}
