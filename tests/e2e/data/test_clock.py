"""The clock of the whole host jumps by days and years: nobody is erased, nothing ends, it is said where an operator looks,
it clears by itself when the jump is undone, and else by the operator's word.
"""
import json
import os
import pathlib
import struct
import subprocess
import tempfile

import pytest
from conftest import PREFIX, ROOT, names, started, wait_until

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
DAY = 24 * 3600 * 1000


class Host:
    """Services on a host whose clock is wrong by what `jump` says."""

    def __init__(self, folder):
        self.folder, self.luck = folder, pathlib.Path(folder, "bad_luck")
        self.jump(0)

    def jump(self, ms):
        with open(self.luck, "r+b" if self.luck.exists() else "w+b") as file:
            file.write(struct.pack("=qqq", 0, 0, ms))

    def running(self):
        return started(self.folder, environment={"LD_PRELOAD": str(PROGRAMS / "bad_luck.so"),
                                                 "VULTUS_BAD_LUCK": str(self.luck)})


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        yield Host(folder)


def ctl(service, *words, code=0):
    done = subprocess.run([PROGRAMS / "vultusctl", "--data", service.data, "--json", *words], capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def state(service):
    return service.call("GET", "/api/status").json()["clock"]["state"]


def wait_for(service, wanted):
    wait_until(lambda: state(service) == wanted, what=wanted)


def people(service):
    return [one["label"] for one in service.call("GET", "/api/faces").json()["faces"]]


def unseen_now(store):
    store.zadd(f"{PREFIX}retention", {"default": 0}, xx=True)
    return store.fcall("vultus1_unseen", 1, PREFIX, 10)[2:]


def test_a_jump_by_a_year_erases_nobody_is_said_and_clears(host, photos):
    with host.running() as one:
        store = one.redis()
        one.train("Barack", photos["small_obama"])
        assert one.call("POST", "/api/collections/default/retention", data={"days": 1}).status_code == 200
        wait_until(lambda: not store.hexists(f"{PREFIX}gallery:default", "retention_cursor"), what="everybody is marked")
        assert state(one) == "steady"
        models = [row["embedding_model"] for row in one.call("GET", "/api/collections").json()["collections"]]
        assert models and None not in models, "also where everybody sees all collections"
        for days in (366, -366):
            host.jump(days * DAY)
            wait_for(one, "suspicious")
            told = one.call("GET", "/api/status").json()
            assert told["state"] == "degraded" and any("vultusctl clock" in why for why in told["reasons"])
            assert unseen_now(store) == []
            assert names(one.recognize(photos["small_obama"])) == ["Barack"]
            wait_until(lambda: "vultus_clock_suspicious 1" in one.call("GET", "/metrics").text, what="the metric")
            assert "clock accept" in ctl(one, "fsck", code=1)["findings"][0]
            host.jump(0)
            wait_for(one, "steady")
            assert one.fsck() == []
        assert people(one) == ["Barack"]
        assert "store_clock" in (one.data / "log/api.log").read_text()
        host.jump(-100 * DAY)
        wait_for(one, "suspicious")
        assert ctl(one, "clock", code=1)["state"] == "suspicious"
        assert ctl(one, "clock", "accept")["state"] == "steady"
        wait_for(one, "steady")
        assert ctl(one, "audit")["audit"][0]["what"] == "clock"
        one.train("Joe", photos["small_biden"])
        assert one.fsck() == []


def test_a_clock_that_jumped_while_everything_was_off_waits_for_the_operators_word(host, photos):
    with host.running() as one:
        one.train("Barack", photos["small_obama"])
        assert one.call("POST", "/api/collections/default/retention", data={"days": 1}).status_code == 200
        wait_until(lambda: not one.redis().hexists(f"{PREFIX}gallery:default", "retention_cursor"), what="it is marked")
    host.jump(10 * DAY)
    with host.running() as one:
        wait_for(one, "suspicious")
        assert unseen_now(one.redis()) == [] and people(one) == ["Barack"]
        ctl(one, "clock", "accept")
        wait_until(lambda: unseen_now(one.redis()) or people(one) == [], what="he was not seen for ten days")
        wait_until(lambda: people(one) == [], what="he is forgotten")
