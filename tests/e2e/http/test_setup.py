"""A service that others can reach, from its first start: closed, with a link that makes the admin once."""
import re
import subprocess
import tempfile

import requests
from conftest import before_start, started
from test_login import PASSWORD, PROGRAMS, login


def link(data, url, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", data, "user", "setup", "--url", url], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.strip()


def set_up(url, token, name="ada"):
    return requests.post(f"{url}/api/setup", json={"token": token, "name": name, "password": PASSWORD}, timeout=30)


def test_the_link_makes_the_admin_once():
    with tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        # The api refuses to start while nobody could ever log in; an open link is enough.
        made = before_start(folder, "user", "setup")
        assert made.returncode == 0 and "/#setup=" in made.stdout, made.stdout + made.stderr
        first = re.search(r"#setup=([0-9a-f]{64})", made.stdout).group(1)
        with started(folder, settings=["api.access=keys"]) as one:
            assert requests.get(f"{one.url}/api/faces", timeout=30).status_code == 401
            assert set_up(one.url, "0" * 64).status_code == 401
            token = re.fullmatch(re.escape(one.url) + r"/#setup=([0-9a-f]{64})", link(one.data, one.url)).group(1)
            assert set_up(one.url, first).status_code == 401, "a second link ends the first"
            told = set_up(one.url, token)
            assert (told.status_code, told.json()) == (201, {"user": "ada", "role": "admin"})
            assert set_up(one.url, token, "eve").status_code == 401
            assert login(one.url, "ada").status_code == 200
            assert link(one.data, one.url, code=1) == ""
            assert token not in "".join(path.read_text(errors="replace") for path in one.data.rglob("*") if path.is_file())
