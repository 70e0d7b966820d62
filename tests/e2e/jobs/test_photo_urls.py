"""A photo by URL: the service fetches it, from hosts of api.fetch_urls and nowhere else, whatever servers and names do."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
from conftest import ROOT, free_port, names, running
from photo_server import certificate, photo_server, seconds_of
from test_access import known, make


class World:
    """A service, and servers that it may fetch from."""

    def __init__(self, service, plain, secret, other, closed):
        self.service, self.plain, self.secret, self.other, self.closed = service, plain, secret, other, closed
        self.url = f"http://127.0.0.1:{plain.port}"

    def recognize(self, url, **more):
        return self.service.call("POST", "/api/recognize", json={"url": url, "durable": False}, **more)


@pytest.fixture(scope="module")
def world(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    small = {name: photo for name, photo in photos.items() if name.startswith("small_")}
    trusted = certificate(folder, "trusted", "DNS:localhost")
    foreign = certificate(folder, "foreign", "DNS:localhost")
    named = certificate(folder, "named", "DNS:photos.example.com")
    both = folder / "authorities.pem"
    both.write_text(trusted[0].read_text() + named[0].read_text())
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(photo_server(small))
        closed = stack.enter_context(photo_server(small))  # listed by a name that is not private
        secret, strange, misnamed = (stack.enter_context(photo_server(small, certificate=one))
                                     for one in (trusted, foreign, named))
        proxy = stack.enter_context(photo_server(small))
        hosts = [f"127.0.0.1:{plain.port}", f"private:localhost:{plain.port}", f"localhost:{closed.port}",
                 "*.example.invalid", *(f"private:localhost:{one.port}" for one in (secret, strange, misnamed))]
        environment = {name: f"http://127.0.0.1:{proxy.port}" for name in ("http_proxy", "https_proxy", "ALL_PROXY")}
        service = stack.enter_context(running(
            settings=(f"api.fetch_urls={json.dumps(hosts)}", f'api.fetch_authorities="{both}"'), environment=environment))
        made = World(service, plain, secret, (strange, misnamed), closed)
        yield made
        assert proxy.said == [], "the environment chose a proxy"


def refused(answer, status, name):
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"/problems/{name}", answer.text
    return answer.json()["detail"]


# ---- what works ---------------------------------------------------------------------------------


def test_each_way_of_naming_a_url(world):
    service, url = world.service, f"{world.url}/small_obama"
    wait = {"Prefer": "wait=30"}
    ways = [{"json": {"url": url}}, {"files": {"url": (None, url)}}, {"params": {"url": url}},
            {"params": {"url": url}, "data": b""}]
    for way in ways:
        job = service.finish(service.call("POST", "/api/recognize", headers=wait, **way).json())
        assert job["state"] == "succeeded" and len(job["result"]["faces"]) == 1, (way, job)
    direct = world.recognize(url)
    assert direct.status_code == 200 and len(direct.json()["faces"]) == 1, direct.text
    # curl -X POST sends neither a body nor a length.
    said = subprocess.run(["curl", "-sS", "-X", "POST", f"{service.url}/api/recognize?durable=false&url={url}"],
                          capture_output=True, text=True, check=True).stdout
    assert len(json.loads(said)["faces"]) == 1, said


def test_a_train_takes_files_and_urls(world, photos):
    service = world.service
    answer = service.call("POST", "/api/train", json={
        "name": "Obama", "collection": "taught", "urls": [f"{world.url}/small_obama", f"{world.url}/small_obama2"]},
        headers={"Prefer": "wait=30"})
    job = service.finish(answer.json())
    assert job["state"] == "succeeded" and len(job["result"]["files"]) == 2, job
    seen = service.call("POST", "/api/recognize", json={"url": f"{world.url}/small_obama", "collection": "taught",
                                                        "durable": False}).json()
    assert names(seen) == ["Obama"]
    mixed = service.call("POST", "/api/train", headers={"Prefer": "wait=30"}, files=[
        ("file", ("a.jpg", photos["small_obama"])), ("url", (None, f"{world.url}/small_obama2")),
        ("urls", (None, f"{world.url}/small_obama {world.url}/small_obama2")), ("name", (None, "Mixed")),
        ("collection", (None, "mixed"))])
    assert len(service.finish(mixed.json())["result"]["files"]) == 4
    detail = refused(service.call("POST", "/api/train", json={"name": "x", "urls": [f"{world.url}/small_obama"] * 17}),
                     413, "too_large")
    assert "16" in detail
    detail = refused(service.call("POST", "/api/train", json={
        "name": "x", "urls": [f"{world.url}/small_obama", f"{world.url}/nothing"]}), 422, "fetch_failed")
    assert detail.startswith("URL 2: ") and "404" in detail


def test_three_redirects_are_followed_and_no_cookie_with_them(world):
    world.plain.said.clear()
    assert world.recognize(f"{world.url}/hops?3,small_obama").status_code == 200
    assert [path for path, _ in world.plain.said] == ["/hops?3,small_obama", "/hops?2,small_obama", "/hops?1,small_obama",
                                                      "/small_obama"]
    assert world.recognize(f"{world.url}/to?/small_obama").status_code == 200
    for _, fields in world.plain.said:
        assert not {"Cookie", "Authorization", "Referer"} & set(fields), fields
    detail = refused(world.recognize(f"{world.url}/hops?4,small_obama"), 422, "fetch_failed")
    assert "redirects" in detail


def test_tls_is_checked(world):
    assert world.recognize(f"https://localhost:{world.secret.port}/small_obama").status_code == 200
    for server in world.other:
        refused(world.recognize(f"https://localhost:{server.port}/small_obama"), 422, "fetch_failed")
        assert server.said == [], "it was asked all the same"
    # Down from https is no way to go.
    down = f"https://localhost:{world.secret.port}/to?{world.url}/small_obama"
    assert "https to http" in refused(world.recognize(down), 403, "url_refused")


def test_a_repetition_is_the_same_job_though_the_photo_is_another(world):
    service, url = world.service, f"{world.url}/turns"
    world.plain.said.clear()
    calls = [service.call("POST", "/api/recognize", json={"url": url},
                          headers={"Idempotency-Key": "door-1", "Prefer": "wait=30"}) for _ in range(3)]
    assert len({answer.json()["id"] for answer in calls}) == 1
    assert [path for path, _ in world.plain.said] == ["/turns"], "it was fetched again"
    assert [answer.status_code for answer in calls] == [200] * 3
    other = service.call("POST", "/api/recognize", json={"url": url + "?2"}, headers={"Idempotency-Key": "door-1"})
    refused(other, 422, "idempotency_conflict")


# ---- what is refused ------------------------------------------------------------------------------

MALFORMED = ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/a", "//127.0.0.1/a", "127.0.0.1/a", "", "http://",
             "http://ada:secret@127.0.0.1/", "http://127.0.0.1#@photos.example.com/", "http://127.0.0.1/a#b",
             "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
             "http://127.0.0.1./", "http://[127.0.0.1]/", "http://[::1/", "http://fotos.exämple.com/", "http://１２７.0.0.1/",
             "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://127.0.0.1:/", "http://127.0.0.1\\@b/", "http:/127.0.0.1/",
             "http://127.0.0.1/ä", "http://a b/"]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_url_that_two_programs_could_read_differently_is_refused(world, url):
    # White space separates URLs, so one with a space is two, and an empty one is none.
    name = "malformed" if url == "" or " " in url else "bad_option"
    refused(world.recognize(url), 400, name)


@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest/meta-data/", "http://[::1]/a", "http://[::ffff:127.0.0.1]/a", "http://[fe80::1]/a",
    "http://photos.example.com/a", "http://10.0.0.1/a", "http://example.invalid/a", "http://127.0.0.1/a", "http://0.0.0.0/a",
    "http://[::ffff:169.254.169.254]/a", "http://[64:ff9b::a9fe:a9fe]/a"])
def test_a_host_that_is_not_listed_is_not_asked(world, url):
    assert "api.fetch_urls" in refused(world.recognize(url), 403, "url_refused")


def test_a_name_that_leads_inside_is_not_asked(world):
    detail = refused(world.recognize(f"http://localhost:{world.closed.port}/small_obama"), 403, "url_refused")
    assert "127.0.0.1" in detail or "::1" in detail
    assert world.closed.said == []


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "http://[::1]:80/", "http://photos.example.com/",
                                    "file:///etc/passwd", "gopher://127.0.0.1/", "http://ada:b@127.0.0.1/",
                                    "http://2130706433/", "{closed}"])
def test_a_redirect_leads_nowhere_else(world, target):
    target = target.format(closed=f"http://localhost:{world.closed.port}/small_obama")
    answer = world.recognize(f"{world.url}/to?{target}")
    assert answer.status_code in (403, 422), answer.text  # libcurl names no absolute URL for some schemes
    assert answer.json()["type"] in ("/problems/url_refused", "/problems/fetch_failed")
    assert world.closed.said == []


def test_bodies_without_end_and_servers_without_an_answer(world):
    def at(path, status, name, most):
        answer, took = seconds_of(lambda: world.recognize(f"{world.url}/{path}"))
        refused(answer, status, name)
        assert took < most, f"{path} took {took} s"
    at("huge", 413, "too_large", 3)
    at("endless", 413, "too_large", 5)
    at("none", 422, "fetch_failed", 3)
    at("page", 415, "unsupported_media", 3)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = [pool.submit(at, path, 422, "fetch_failed", most) for path, most in (("slow", 8), ("silence", 12))]
        # The loop never waits: meanwhile others are served.
        for _ in range(20):
            _, took = seconds_of(lambda: world.service.call("GET", "/healthz/live"))
            assert took < 1
            time.sleep(0.05)
        for one in slow:
            one.result()


def test_nobody_listens(world):
    refused(world.recognize(f"http://127.0.0.1:{free_port()}/a"), 403, "url_refused")
    refused(world.recognize("http://a.example.invalid/a"), 422, "fetch_failed")


# ---- what is noted --------------------------------------------------------------------------------


def test_the_host_is_noted_and_not_the_url(world):
    service, secret = world.service, "token-k3yk3y"
    url = f"{world.url}/small_obama?{secret}"
    job = service.finish(service.call("POST", "/api/train", json={"name": "Noted", "collection": "noted", "url": url}).json())
    seen = service.finish(service.call("POST", "/api/recognize", json={"url": url, "collection": "noted"}).json())
    assert (job["state"], seen["state"]) == ("succeeded", "succeeded")
    direct = service.call("POST", "/api/detect", json={"url": url, "durable": False})
    assert direct.status_code == 200, direct.text
    said = [fields for _, fields in service.redis().xrange("vultus:{0}:audit")]
    entries = {fields[b"about"].decode(): fields for fields in said}
    assert said[-1] == {**entries[seen["id"]], b"about": b"", b"collection": b""}, "as of a job, but that there is none"
    assert entries[job["id"]][b"hosts"] == b"127.0.0.1" and entries[job["id"]][b"what"] == b"train"
    assert entries[seen["id"]][b"hosts"] == b"127.0.0.1" and entries[seen["id"]][b"what"] == b"fetch"
    assert service.fsck() == []
    everything = b"".join(path.read_bytes() for path in service.data.rglob("*") if path.is_file())
    assert secret.encode() not in everything
    assert b"photo_fetched" in everything
    text = service.call("GET", "/metrics").text
    assert 'vultus_photo_fetches_total{outcome="ok"}' in text and "vultus_photo_fetch_ms" in text


def test_no_fetcher_is_left(world):
    (api,) = world.service.pids("vultus-api")
    children = pathlib.Path(f"/proc/{api}/task/{api}/children").read_text().split()
    names_of = [pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in children]
    assert "vultus-fetcher" not in names_of, names_of


def test_a_key_reaches_no_other_collection_by_url(photos):
    with photo_server(photos) as server, running(settings=("api.access=keys", f'api.fetch_urls=["127.0.0.1:{server.port}"]')) as service:
        key = known(service, make(service.data, "--scopes", "recognise", "--collections", "family", "--image-quota",
                                  f"{len(photos['small_obama']) // 1024 + 2}KiB/min")[0])
        call = lambda collection: service.call(  # noqa: E731
            "POST", "/api/recognize", headers={"X-Api-Key": key},
            params={"collection": collection, "durable": "false", "url": f"http://127.0.0.1:{server.port}/small_obama"})
        refused(call("other"), 403, "forbidden")
        assert server.said == []
        answers = [call("family") for _ in range(8)]
        statuses = [one.status_code for one in answers]
        assert statuses[0] == 200 and 429 in statuses, (statuses, answers[0].text)


def test_without_hosts_it_is_off(shared_service):
    detail = refused(shared_service.call("POST", "/api/recognize", json={"url": "http://127.0.0.1/a"}), 403, "url_refused")
    assert detail == "Photos by URL are disabled: api.fetch_urls is empty"


@pytest.mark.parametrize("entry", ["*", "*.", "http://a.example", "169.254.169.254", "169.254.0.0/16", "10.0.0.0/33", "10.0.0.1/8",
                                   "a.example:0", "a.example:99999", "private:10.0.0.1", "::1", "[::1", "0x7f.1", "224.0.0.1",
                                   "a b", "", "a/b"])
def test_settings_that_are_refused(entry):
    program = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin")) / "vultus-api"
    told = subprocess.run([program, "--check-config", "--set", f"api.fetch_urls={json.dumps([entry])}"],
                          capture_output=True, text=True)
    assert told.returncode == 2 and "fetch_urls" in told.stderr, (told.returncode, told.stderr)


REBINDS = """import socket, struct, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
print("ready", flush=True)
asked = {}
while True:
    question, who = server.recvfrom(512)
    end, labels = 12, []
    while question[end]:
        labels.append(question[end + 1:end + 1 + question[end]])
        end += question[end] + 1
    end += 5
    address = b""
    if question[end - 4:end - 2] == b"\\0\\1":  # A; of AAAA there is none
        asked[tuple(labels)] = asked.get(tuple(labels), 0) + 1
        address = b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(
            "127.0.0.1" if asked[tuple(labels)] == 1 else "169.254.169.254")
    counts = struct.pack(">HHHH", 1, bool(address), 0, 0)
    server.sendto(question[:2] + b"\\x81\\x80" + counts + question[12:end] + address, who)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a resolver of its own needs a mount namespace")
def test_a_name_that_leads_elsewhere_at_the_second_look_up(photos, tmp_path):
    """A real resolver, and names of no time to live: the first answer is checked and connected to, and no second is asked for
    within a fetch. The next fetch, and a redirect to the same name, ask again and are refused."""
    address = f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.53"
    resolver = subprocess.Popen([sys.executable, "-c", REBINDS, address], stdout=subprocess.PIPE, text=True)
    try:
        assert resolver.stdout.readline() == "ready\n"
        (tmp_path / "resolv.conf").write_text(f"nameserver {address}\n")
        inside = ("unshare", "-m", "sh", "-c", f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec \"$@\"", "sh")
        with photo_server(photos) as server, running(
                prefix=inside, settings=(f'api.fetch_urls=["private:*.rebinds.test:{server.port}"]',)) as service:
            def ask(name, path="small_obama"):
                return service.call("POST", "/api/recognize", json={
                    "url": f"http://{name}.rebinds.test:{server.port}/{path}", "durable": False})
            assert ask("first").status_code == 200
            assert "169.254.169.254" in refused(ask("first"), 403, "url_refused")
            assert len(server.said) == 1
            back = ask("second", f"to?http://second.rebinds.test:{server.port}/small_obama")
            assert "169.254.169.254" in refused(back, 403, "url_refused")
            assert len(server.said) == 2, "the redirect was followed"
    finally:
        resolver.kill()
        resolver.wait()
