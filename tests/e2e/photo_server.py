"""A server of photos for the tests of photos by URL, in this process: as they should be, and as nobody should send them."""
import contextlib
import http.server
import ssl
import subprocess
import threading
import time


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **fields}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        said = self.server.said
        said.append((self.path, dict(self.headers)))
        path, _, query = self.path[1:].partition("?")
        with contextlib.suppress(OSError):  # who hangs up has seen enough
            getattr(self, "give_" + path, self.give_photo)(path, query)

    def give_photo(self, path, query):
        photo = self.server.photos.get(path)
        if photo is None:
            self.answer(404)
        else:
            self.answer(200, photo, Content_Type="text/plain")  # nobody asks the media type

    def give_turns(self, path, query):
        """Another photo each time, as a camera gives it."""
        names = sorted(self.server.photos)
        self.answer(200, self.server.photos[names[len(self.server.said) % len(names)]])

    def give_to(self, path, query):
        self.answer(302, Location=query, Set_Cookie="a=b; Path=/")

    def give_hops(self, path, query):
        left, _, last = query.partition(",")
        self.answer(302, Location=f"/hops?{int(left) - 1},{last}" if int(left) > 1 else f"/{last}")

    def give_huge(self, path, query):
        self.answer(200, Content_Length=str(10 * 2 ** 30))

    def give_endless(self, path, query):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            self.wfile.write(b"\xff" * 65536)

    def give_slow(self, path, query):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while not self.server.over.wait(1):
            self.wfile.write(b"\xff")

    def give_silence(self, path, query):
        self.server.over.wait(60)

    def give_page(self, path, query):
        self.answer(200, b"<html>no photo</html>", Content_Type="image/jpeg")

    def give_none(self, path, query):
        self.answer(204)


class PhotoServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *words):
        pass


@contextlib.contextmanager
def photo_server(photos, port=0, certificate=None, address="127.0.0.1"):
    """`certificate`: paths of it and its key."""
    server = PhotoServer((address, port), Answers)
    server.photos, server.said, server.over = photos, [], threading.Event()
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder, name, host):
    """A certificate that is its own authority, for that host. Returns the paths of it and its key."""
    made, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", made, "-days", "2",
                    "-subj", f"/CN={host}", "-addext", f"subjectAltName={host}"], check=True, capture_output=True)
    return made, key


def seconds_of(call):
    begin = time.monotonic()
    made = call()
    return made, time.monotonic() - begin
