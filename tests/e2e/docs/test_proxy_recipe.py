"""The proxies of docs/recipes/proxy.md, with the lines that stand there: below a path, the calls, the clients, the events and
the page work as at the root."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
import requests
from conftest import PHOTOS, ROOT, free_port, running, wait_until
from page_support import browser, fresh_tab, recognize, shows_people, view  # noqa: F401
from playwright.sync_api import expect
from test_recipes import PATHS, blocks_of

WHERE = os.pathsep.join([*PATHS, os.environ["PATH"]])


def nginx(folder, port, recipe):
    recipe = recipe.replace("Host $host;", "Host $host:$server_port;")  # as the recipe says of other ports
    user = "user root;" if os.geteuid() == 0 else ""  # its workers write below the folder of this test
    (folder / "nginx.conf").write_text(f"""{user} daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port};
{recipe}
    }}
}}
""")
    return ["nginx", "-e", "stderr", "-c", str(folder / "nginx.conf")]


def caddy(folder, port, recipe):
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\nhttp://127.0.0.1:{port} {{\n{recipe}}}\n")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextlib.contextmanager
def behind(program, service, folder):
    """The address of the service behind the proxy, below the path of the recipe."""
    if not shutil.which(program.__name__, path=WHERE):
        pytest.skip(f"no {program.__name__} on this machine")
    port = free_port()
    [recipe] = [text for kind, text in blocks_of("proxy") if kind == program.__name__]
    command = program(folder, port, recipe.replace("http://127.0.0.1:5000", service.url))
    with open(folder / "proxy.log", "wb") as log:
        proxy = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": WHERE, "HOME": str(folder)})
    try:
        def answers():
            assert proxy.poll() is None, (folder / "proxy.log").read_text()
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"http://127.0.0.1:{port}/faces/healthz/ready", timeout=5).status_code == 200
        wait_until(answers, what="the proxy")
        yield f"http://127.0.0.1:{port}/faces"
    finally:
        proxy.terminate()
        proxy.wait(20)


@pytest.fixture(scope="module")
def service():
    with running(settings=["api.base_path=/faces", 'api.trusted_proxies=["127.0.0.1"]']) as one:
        yield one


@pytest.mark.parametrize("program", [nginx, caddy])
def test_the_calls(service, program, tmp_path):
    with behind(program, service, tmp_path) as url:
        origin = url.removesuffix("/faces")
        assert requests.get(url, allow_redirects=False).headers["Location"].removeprefix(origin) == "/faces/"
        taught = requests.post(f"{url}/api/train", headers={"Prefer": "wait=30"}, data={"name": "Barack"},
                               files={"file": ("1.jpg", (PHOTOS / "obama.jpg").read_bytes())})
        assert taught.status_code == 200 and taught.headers["Location"].startswith("/faces/api/jobs/"), taught.text
        links = taught.json()["links"]
        assert links["self"] == taught.headers["Location"] and links["events"].startswith("/faces/api/jobs/")
        assert requests.get(origin + links["self"]).json()["state"] == "succeeded"
        row = requests.get(f"{url}/api/jobs").json()["jobs"][0]
        assert row["links"]["self"].startswith("/faces/api/jobs/")
        described = requests.get(f"{url}/openapi.json").json()
        assert described["servers"] == [{"url": "/faces/"}]
        wrong = requests.get(f"{url}/api/none")
        assert wrong.json()["type"] == "/problems/not_found"
        assert "What to do" in requests.get(url + wrong.json()["type"]).text
        assert "problems/no_face" in requests.get(f"{url}/problems").text


@pytest.mark.parametrize("program", [nginx, caddy])
def test_the_clients_and_the_events(service, program, tmp_path):
    seen = []
    with behind(program, service, tmp_path) as url:
        def listen():
            with requests.get(f"{url}/api/events", stream=True, timeout=60) as stream:
                for line in stream.iter_lines():
                    seen.append(line)
                    if b'"succeeded"' in line:
                        return
        listener = threading.Thread(target=listen)
        listener.start()
        wait_until(lambda: seen, what="the first event")
        done = subprocess.run([sys.executable, "-m", "vultus", "--url", url, "recognize", "--json", PHOTOS / "obama2.jpg"],
                              capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT / "clients/python")})
        assert done.returncode == 0 and len(json.loads(done.stdout)["faces"]) == 1, done
        listener.join(30)
        assert not listener.is_alive(), "an event comes while it happens"


@pytest.mark.parametrize("program", [nginx, caddy])
def test_the_page(service, program, browser, tmp_path):  # noqa: F811
    with behind(program, service, tmp_path) as url, fresh_tab(browser) as tab:
        refused = []
        tab.on("response", lambda answer: refused.append((answer.status, answer.url)) if answer.status >= 400 else None)
        tab.goto(f"{url}/?collection=sub-{program.__name__}")
        expect(tab.locator("#service")).to_have_attribute("data-state", "ready")
        recognize(tab, PHOTOS / "obama2.jpg")
        view(tab, "People")
        shows_people(tab, [])
        view(tab, "Jobs")
        expect(tab.locator("#view-jobs a[href^='/faces/api/jobs/']").first).to_be_visible()
        assert refused == []


def test_at_the_root_it_works_too(service):
    """A proxy that strips the path, and health checks that know none."""
    assert service.call("GET", "/healthz/ready").status_code == 200
    assert service.call("GET", "/faces/healthz/ready").status_code == 200
    assert service.call("GET", "/facesx/healthz/ready").status_code == 404
    assert service.call("GET", "/faces/faces/healthz/ready").status_code == 404
    assert service.call("GET", "/faces?collection=x", allow_redirects=False).headers["Location"] == "/faces/?collection=x"
    assert service.call("GET", "/faces/", allow_redirects=False).status_code == 200


@pytest.mark.parametrize("path", ["faces", "/faces/", "/", "//", "/a//b", "/../x", "/a b", "/api", "/api/x", "/problems", "/ä", "/" + "x" * 128])
def test_a_path_that_cannot_be_one_is_refused_at_the_start(path):
    api = os.environ.get("VULTUS_BIN", str(ROOT / "build/e2e/bin")) + "/vultus-api"
    ran = subprocess.run([api, "--config", ROOT / "config/vultus.toml", "--set", f'api.base_path="{path}"', "--check-config"],
                         capture_output=True, text=True, timeout=30)
    assert ran.returncode == 2 and "base_path" in ran.stderr and ran.stderr.count("\n") == 1, ran
