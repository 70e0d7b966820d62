"""HTTPS by the api itself: what people do over it, what it refuses to speak, and a certificate that is renewed while
connections are open.
"""
import os
import pathlib
import select
import signal
import socket
import ssl
import subprocess
import time

import pytest
import requests
from conftest import ROOT, free_port, running, wait_until
from live_client import Live

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
HEADER_SECONDS = 10  # server_settings::header_time


def certificate(folder, name="api", words=("-noenc",)):
    """A new key and a certificate of itself for this machine; the two files."""
    files = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *words, "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", files[0],
                    "-keyout", files[1]], check=True, capture_output=True)
    return files


def settings_of(files):
    return [f"api.tls_certificate={files[0]}", f"api.tls_key={files[1]}"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(files):
    with running(settings=settings_of(files)) as one:
        assert f"ready https://127.0.0.1:{one.port}" in one.said(), one.said()
        one.url, one.http.verify = f"https://127.0.0.1:{one.port}", str(files[0])
        one.http.trust_env = False  # a bundle named there would go before `verify`
        yield one


def client(files, **versions):
    made = ssl.create_default_context(cafile=files[0])
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    for name, value in versions.items():
        setattr(made, name, value)
    return made


def opened(port, context):
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=20), server_hostname="localhost",
                               suppress_ragged_eofs=False)


def ask(link, target="/healthz/live", fields=""):
    link.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
    return link.recv(65536)


def test_people_are_taught_and_named(secure, photos, files):
    secure.train("Barack", photos["small_obama"])
    assert [face["label"] for face in secure.recognize(photos["small_obama2"])["faces"]] == ["Barack"]
    with requests.get(secure.url + "/api/events", stream=True, timeout=20, verify=str(files[0])) as events:
        assert events.status_code == 200
        assert next(line for line in events.iter_lines() if line)
    live = Live(secure.port, tls=client(files))
    try:
        answer = live.ask(photos["small_obama"])
        assert [face["label"] for face in answer["faces"]] == ["Barack"], answer
    finally:
        live.close()
    secure.clear()


def test_whoever_does_not_speak_tls_is_told(secure, files):
    told = requests.get(f"http://127.0.0.1:{secure.port}/api/faces", timeout=20)
    assert told.status_code == 400 and "TLS" in told.json()["detail"], told.text
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(secure.url + "/healthz/live", timeout=20)  # nobody vouches for it
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as link:
        link.sendall(b"\x16\x03\x01\x00\x05hello and more of it")
        assert link.recv(100)[:1] in (b"\x15", b""), "an alert, or nothing"
    assert secure.call("GET", "/healthz/live").status_code == 200


@pytest.mark.parametrize("versions,reason", [
    ({"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1}, "PROTOCOL_VERSION"),
    ({"maximum_version": ssl.TLSVersion.TLSv1_2, "ciphers": "ECDHE-ECDSA-AES128-SHA256"}, "HANDSHAKE_FAILURE"),  # CBC
])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_ways_are_refused(secure, files, versions, reason):
    ciphers = versions.get("ciphers", "DEFAULT")
    context = client(files)
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    for name in ("minimum_version", "maximum_version"):
        if name in versions:
            setattr(context, name, versions[name])
    with pytest.raises(ssl.SSLError) as refused:
        opened(secure.port, context)
    assert reason in refused.value.reason, refused.value
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with opened(secure.port, client(files, minimum_version=version, maximum_version=version)) as link:
            assert ask(link).startswith(b"HTTP/1.1 200")


def test_an_answer_ends_with_a_goodbye(secure, files):
    """An answer whose end is not told apart from a cut line could be cut by anybody on the way."""
    with opened(secure.port, client(files)) as link:
        assert ask(link, fields="Connection: close\r\n").startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        assert link.recv(100) == b"", "close_notify, or this raises"
        assert time.monotonic() - begun < HEADER_SECONDS / 2, "at once, and not when the connection has rested too long"
    # Refused before its body was read, a client gets the answer and not a reset.
    refused = secure.call("POST", "/api/recognize", files=[("file", ("a.jpg", b"\xff\xd8\xff" + bytes(40 << 20)))])
    assert refused.status_code == 413, refused.text


def test_silent_clients_keep_nobody_out(secure):
    silent = [socket.create_connection(("127.0.0.1", secure.port)) for _ in range(100)]
    for link in silent[::2]:
        link.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # the beginning of a ClientHello
    begun = time.monotonic()
    assert secure.call("GET", "/healthz/live").status_code == 200
    assert select.select(silent, [], [], 0)[0] == [], "served while all of them are there"
    for link in silent:
        link.settimeout(HEADER_SECONDS + 50)
        assert link.recv(100) == b"" and time.monotonic() - begun > HEADER_SECONDS - 2
        link.close()


def test_the_cookie_of_a_login_goes_over_tls_only(tmp_path):
    files = certificate(tmp_path)
    with running(settings=["api.access=keys", *settings_of(files)]) as one:
        subprocess.run([PROGRAMS / "vultusctl", "--data", one.data, "user", "add", "ada", "--role", "admin"], check=True,
                       input="correct horse battery\n", text=True, capture_output=True)
        url, http = f"https://127.0.0.1:{one.port}", requests.Session()
        http.verify, http.trust_env = str(files[0]), False
        words = {"name": "ada", "password": "correct horse battery"}
        told = wait_until(lambda: (answer := http.post(url + "/api/session", json=words, timeout=30)).ok and answer,
                          what="a login")
        cookie = told.headers["Set-Cookie"]
        assert cookie.startswith("__Host-vultus_session=") and "; Secure" in cookie and "HttpOnly" in cookie, cookie
        assert http.get(url + "/api/faces", timeout=30).status_code == 200
        plain = {"Cookie": cookie.split(";")[0].removeprefix("__Host-")}
        assert requests.get(url + "/api/faces", headers=plain, timeout=30, verify=str(files[0])).status_code == 401


def serial(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain) as link:
            return link.getpeercert(binary_form=True)


def test_a_renewed_certificate_is_taken_without_a_pause(secure, files, tmp_path):
    api, = secure.pids("vultus-api")
    old_files = [path.read_bytes() for path in files]
    before = serial(secure.port)
    with opened(secure.port, client(files)) as link:
        assert ask(link).startswith(b"HTTP/1.1 200")
        fresh = certificate(tmp_path)
        try:
            files[0].write_bytes(fresh[0].read_bytes())  # the key is not there yet
            os.kill(api, signal.SIGHUP)
            wait_until(lambda: "certificate_kept" in secure.logs(100), what="the log's line")
            assert serial(secure.port) == before
            files[1].write_bytes(fresh[1].read_bytes())
            os.kill(api, signal.SIGHUP)
            wait_until(lambda: serial(secure.port) != before, what="the new certificate")
            assert serial(secure.port) == ssl.PEM_cert_to_DER_cert(fresh[0].read_text())
            assert ask(link).startswith(b"HTTP/1.1 200"), "a connection that is open stays"
        finally:
            for path, old in zip(files, old_files):
                path.write_bytes(old)
            os.kill(api, signal.SIGHUP)
            wait_until(lambda: serial(secure.port) == before, what="the old certificate")


def test_no_start_with_a_certificate_that_cannot_be_used(tmp_path):
    good, other = certificate(tmp_path, "good"), certificate(tmp_path, "other")
    locked = certificate(tmp_path, "locked", ("-passout", "pass:secret"))
    (tmp_path / "empty").touch()
    wrong = [(settings_of((tmp_path / "none.crt", good[1])), "none.crt"), (settings_of((good[0], other[1])), "other.key"),
             (settings_of(locked), "locked.key"), (settings_of((tmp_path / "empty", good[1])), "empty"),
             (settings_of(good)[:1], "tls_key")]
    for words, named in wrong:
        command = [PROGRAMS / "vultus-api", "--set", f"common.data={tmp_path}", "--set", f"api.port={free_port()}"]
        done = subprocess.run(command + [word for one in words for word in ("--set", one)], capture_output=True, text=True,
                              timeout=20, stdin=subprocess.DEVNULL)
        assert done.returncode == 2 and named in done.stderr and done.stderr.count("\n") == 1, (words, done.stderr)
        assert "secret" not in done.stderr


def test_the_health_check_of_a_container_knows_that_it_lives(secure):
    def health(port):
        return subprocess.run([ROOT / "docker/health", "api", str(port)], capture_output=True, timeout=20).returncode
    assert health(secure.port) == 0
    assert health(free_port()) != 0
    with running(workers=0) as plain:
        assert health(plain.port) == 0
        (pid,) = plain.pids("redis")
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: health(plain.port) != 0, what="not ready")
        finally:
            os.kill(pid, signal.SIGCONT)


def camera(photo, url, *words):
    done = subprocess.run([PROGRAMS / "vultus-camera", photo, "--url", url, "--headless", "--json", *words], capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout


def test_the_camera_client_trusts_who_it_is_told_to_trust(secure, files, photos, tmp_path):
    photo = tmp_path / "one.jpg"
    photo.write_bytes(photos["small_obama"])
    code, said = camera(photo, secure.url, "--ca", files[0])
    assert code == 0 and '"answer"' in said, said
    # Nobody is sent a picture whose certificate is another's, or for another name.
    other = certificate(tmp_path, "other")[0]
    for words in (["--ca", other], []):
        process = subprocess.Popen([PROGRAMS / "vultus-camera", photo, "--url", secure.url, "--headless", "--json", *words],
                                   stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            assert "certificate not trusted" in line and '"answer"' not in line, line
        finally:
            process.kill()
            process.communicate()
    assert camera(photo, secure.url, "--ca", photo)[0] == 2


def test_lfw_is_measured_over_tls_with_a_key(files, tmp_path):
    lfw = [PROGRAMS / "vultus-lfw", "--images", tmp_path, "--pairs", tmp_path / "pairs.txt", "--json"]
    for number, sample in (1, "obama"), (2, "obama2"):
        (tmp_path / "Obama").mkdir(exist_ok=True)
        (tmp_path / "Obama" / f"Obama_{number:04}.jpg").write_bytes((ROOT / f"build/photos/{sample}.jpg").read_bytes())
    (tmp_path / "Biden").mkdir()
    (tmp_path / "Biden/Biden_0001.jpg").write_bytes((ROOT / "build/photos/biden.jpg").read_bytes())
    (tmp_path / "pairs.txt").write_text("1\nObama\t1\t2\nObama\t1\tBiden\t1\n")
    with running(settings=[*settings_of(files), "api.access=keys"]) as service:
        made = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, "key", "create", "--scopes", "recognise"],
                              capture_output=True, text=True, check=True)
        words = [*lfw, "--url", f"https://localhost:{service.port}", "--ca", files[0]]
        key = made.stdout.split()[0]
        status = lambda: requests.get(f"https://localhost:{service.port}/api/jobs", verify=str(files[0]), timeout=10,  # noqa: E731
                                      headers={"Authorization": f"Bearer {key}"}).status_code
        wait_until(lambda: status() != 401, 30, "the key")
        done = subprocess.run(words, capture_output=True, text=True, timeout=100, cwd=ROOT, env={**os.environ, "VULTUS_KEY": key})
        assert done.returncode == 0 and '"photos":3' in done.stdout.replace(" ", ""), done.stdout + done.stderr
        refused = subprocess.run(words, capture_output=True, text=True, timeout=100, cwd=ROOT)
        assert refused.returncode == 1 and "401" in refused.stderr, refused.stderr
