"""Each route of another surface, as the golden of rules lists them, with each kind of key."""
import uuid

import pytest
import requests
from conftest import ROOT, running, wait_until
from test_compreface_errors import compat_key, ctl

SURFACES = {"/api/v1": "compreface", "/v1/vision": "deepstack", "/open": "nextcloud", "/detect": "nextcloud", "/compute": "nextcloud"}
ROWS = [line.split(" | ") for line in (ROOT / "tests/golden/access.txt").read_text().splitlines()]
ROWS = [(*what.split(" "), rule) for what, rule, _ in ROWS if any(what.split(" ")[1].startswith(one) for one in SURFACES)]
SCOPES = ("read", "recognise", "train", "admin")


@pytest.fixture(scope="module")
def keyed():
    on = [f"compat.{one}=on" for one in ("compreface", "deepstack", "nextcloud", "immich")]
    with running(settings=("api.access=keys", *on)) as service:
        keys = {one: compat_key(service, one, "team") for one in ("compreface", "deepstack", "nextcloud")}
        keys |= {one: ctl(service, "key", "create", "--scopes", one, "--collections", "team").split()[0] for one in SCOPES}
        last = {"Authorization": f"Bearer {keys[SCOPES[-1]]}"}  # who knows it knows all
        wait_until(lambda: service.call("GET", "/api/status", headers=last).status_code != 401, 10, "the keys")
        yield service, keys


def refusal(surface, answer):
    """Whether the key was not taken, in the surface's own words; None: it was."""
    if surface == "compreface":
        return answer.json()["code"] if answer.status_code in (400, 404) and answer.json().get("code") in (10, 20, 26) else None
    return 401 if answer.status_code == 401 else None


@pytest.mark.parametrize("method, pattern, rule", ROWS, ids=[" ".join(row[:2]) for row in ROWS])
def test_each_route_with_each_kind_of_key(keyed, method, pattern, rule):
    service, keys = keyed
    surface = next(of for path, of in SURFACES.items() if pattern.startswith(path))
    # Of a subject whom nobody taught, a face that nobody has, and an endpoint that is not there.
    path = pattern.replace("{}", str(uuid.uuid4()))

    def call(key, **more):
        if surface == "deepstack":
            return requests.request(method, service.url + path, data={"api_key": key}, timeout=30, **more)
        return requests.request(method, service.url + path, headers={"x-api-key": key} if key else {}, timeout=30, **more)
    if rule == "anybody":
        assert call("").status_code == 200
        return
    assert refusal(surface, call("")) in (20, 401)
    for name, key in {**keys, "unknown": str(uuid.uuid4())}.items():
        taken = refusal(surface, call(key)) is None
        assert taken == (name == surface or name == rule), f"{name}: {call(key).text}"
    # No key in the address, and none in a cookie.
    assert refusal(surface, call("", params={"x-api-key": keys[surface], "api_key": keys[surface]})) in (20, 401)
    assert refusal(surface, call("", cookies={"vultus_session": keys[surface]})) in (20, 401)


def test_there_are_as_many_rows_as_there_were():
    assert len(ROWS) >= 30
