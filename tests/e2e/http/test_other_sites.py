"""What other web sites, and pages that lie about their name, can do with a service on this machine: nothing."""
import socket

import pytest
from conftest import names, running


def raw(service, text):
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:5000"])
def test_own_names_are_served(shared_service, host):
    assert shared_service.call("GET", "/api/faces", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b"])
def test_a_foreign_host_is_misdirected(shared_service, host):
    answer = raw(shared_service, f"GET /api/faces HTTP/1.1\nHost: {host}\nConnection: close\n\n")
    assert answer.startswith((b"HTTP/1.1 421", b"HTTP/1.1 400")), answer[:200]
    assert b"faces" not in answer.split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1.evil.example"},
    {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("method, path", [
    ("POST", "/api/clear"), ("POST", "/api/train"), ("POST", "/api/recognize"), ("DELETE", "/api/faces/x"),
    ("DELETE", "/api/collections/default")])
def test_a_foreign_page_cannot_change_anything(shared_service, headers, method, path):
    answer = shared_service.call(method, path, headers=headers)
    assert answer.status_code == 403 and answer.json()["type"] == "/problems/forbidden_origin"


def test_the_page_itself_may(shared_service, photos):
    origin = {"Origin": shared_service.url, "Sec-Fetch-Site": "same-origin", "Prefer": "wait=30"}
    answer = shared_service.call("POST", "/api/clear", headers=origin)
    assert answer.status_code == 200


def test_headers_of_the_page(shared_service):
    answer = shared_service.call("GET", "/")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in answer.text and " on" + "click" not in answer.text


def test_no_other_site_may_read(shared_service):
    answer = shared_service.call("GET", "/api/faces", headers={"Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_script_as_a_name_stays_text(shared_service, photos):
    label = "<script>alert(1)</script>"
    shared_service.train(label, photos["small_biden"])
    assert names(shared_service.recognize(photos["small_biden"])) == [label]
    answer = shared_service.call("GET", "/api/faces")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    shared_service.clear()


@pytest.mark.parametrize("path", ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/web/../../main.cpp", "//etc/passwd",
                                  "/app.js%00.html", "/.git/config"])
def test_no_byte_of_a_request_reaches_a_file(shared_service, path):
    answer = raw(shared_service, f"GET {path} HTTP/1.1\nHost: localhost\nConnection: close\n\n")
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), answer[:200]


def test_an_open_address_needs_a_decision():
    with pytest.raises(AssertionError):
        with running(settings=["api.bind=0.0.0.0"]):
            raise RuntimeError("it started")
