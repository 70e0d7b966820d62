"""Checks whether Redis answers, and whether the api that answers is the one that was started."""
import http.client
import json
import secrets
import socket
import ssl
import urllib.parse

HOST = socket.gethostname()


def redis_state(path, password=None):
    """ready, loading or away."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            if password:
                connection.sendall(f"AUTH {password}\r\n".encode())
                connection.recv(64)
            connection.sendall(b"PING\r\n")
            reply = connection.recv(64)
    except OSError:
        return "away"
    return "ready" if reply.startswith(b"+PONG") else "loading" if reply.startswith(b"-LOADING") else "away"


class Api:
    """The api of this start, identified by its instance name: on the same port another one may answer."""

    def __init__(self, address_file):
        self.address_file, self.instance = address_file, secrets.token_hex(16)
        # Its certificate is not issued for this machine's loopback address.
        self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.trust.check_hostname, self.trust.verify_mode = False, ssl.CERT_NONE

    def environment(self):
        return {"VULTUS_INSTANCE": self.instance, "VULTUS_ADDRESS_FILE": str(self.address_file)}

    def forget_address(self):
        self.address_file.unlink(missing_ok=True)

    def url(self):
        """The URL that the api wrote when it began to listen; None: not yet."""
        try:
            return self.address_file.read_text().strip() or None
        except OSError:
            return None

    def get(self, path):
        where = urllib.parse.urlsplit(self.url())
        if not where.hostname or not where.port:
            raise ValueError("that is no address")
        if where.scheme == "https":
            connection = http.client.HTTPSConnection(where.hostname, where.port, timeout=1, context=self.trust)
        else:
            connection = http.client.HTTPConnection(where.hostname, where.port, timeout=1)
        try:
            connection.request("GET", path, headers={"Host": "localhost", "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read(1 << 20)
        finally:
            connection.close()

    def why_not_ready(self, workers):
        """Empty: it is ready, and reports the workers with these pids. Otherwise what is missing."""
        if self.url() is None:
            return "the api does not listen yet"
        try:
            status, headers, body = self.get("/healthz/ready")
            if headers.get("Vultus-Instance") != self.instance:
                return f"another service answers at {self.url()}: stop it, or choose another --port"
            if status != 200:
                return f"the api is not ready: {title_of(body)}"
            status, _, body = self.get("/api/status")
            if status == 401:  # it requires a key, and none is known here: ready is enough
                return ""
            known = {one["pid"] for one in json.loads(body)["workers"] if one["host"] == HOST}
            missing = set(workers) - known
            return f"{len(missing)} of {len(workers)} workers are not there yet" if missing else ""
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as why:
            return f"{self.url()} does not answer: {why}"


def title_of(body):
    try:
        problem = json.loads(body)
        return f"{problem['title']}: {problem.get('detail', '')}"
    except (ValueError, KeyError, TypeError):
        return "it does not say why"
