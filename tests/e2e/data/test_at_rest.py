"""Encryption at rest: what lies in Redis and in its files of photos and faces cannot be read without the key."""
import io
import os
import re
import subprocess

import pytest
from conftest import ROOT, Service, names, running, wait_until
from PIL import Image
from store_contents import contents

CTL = os.path.join(os.environ.get("VULTUS_BIN", str(ROOT / "build/e2e/bin")), "vultusctl")


def ctl(service, *words, key=None, code=0):
    command = [CTL, "--data", str(service.data), *(["--encryption-key", str(key)] if key else []), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def stored(service):
    """All values of all keys, and the append-only files."""
    found = [value for values in contents(service.redis()).values() for value in values]
    files = [path.read_bytes() for path in service.data.rglob("*.aof")]
    assert len(found) > 50 and files
    return b"\0".join(found), b"\0".join(files)


def traces(where, things):
    return [name for name, piece in things.items() if piece in where]


def exported(file):
    """The vectors in an export, which has them plain."""
    found = re.findall(rb'"photo":"[0-9a-f]{32}"}(.{512})', file, re.DOTALL)
    assert len(found) == 2
    return {f"vector {i}": vector for i, vector in enumerate(found)}


def use(service, photos, key=None):
    """Teaches, asks, leaves a job waiting; what of it must not lie there plain."""
    service.train("Barack", photos["obama"])
    service.train("Joe", photos["biden"])
    asked = service.submit("/api/recognize", [photos["obama2"]], annotate="true")
    assert names(asked["result"]) == ["Barack"], asked
    annotated = service.call("GET", f"/api/jobs/{asked['id']}/image").content
    assert Image.open(io.BytesIO(annotated)).size == Image.open(io.BytesIO(photos["obama2"])).size
    face = service.call("GET", "/api/faces/Barack").json()["faces"][0]
    picture = service.call("GET", f"/api/faces/Barack/{face['face_id']}/picture").content
    assert Image.open(io.BytesIO(picture)).size[0] <= 256
    export = service.data.parent / f"{service.data.name}.export"
    ctl(service, "export", export, key=key)
    vector = service.redis().hgetall("vultus:{0}:gallery:default:1:vectors")[face["face_id"].encode()] if key is None else None
    plain = export.read_bytes()
    export.unlink()
    for pid in service.pids("vultus-worker"):
        os.kill(pid, 19)  # what comes now waits
    waiting = service.call("POST", "/api/recognize", files={"file": photos["obama3"]}).json()
    return {"annotated": annotated[1000:1200], "picture": picture[500:700], "photo": photos["obama3"][20_000:20_200]}, \
        plain, vector, waiting


def go_on(service, waiting):
    for pid in service.pids("vultus-worker"):
        os.kill(pid, 18)
    assert names(service.finish(waiting)["result"]) == ["Barack"]
    assert service.fsck() == []


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "key"
    subprocess.run([CTL, "encryption-key", str(file)], check=True, capture_output=True)
    assert file.stat().st_mode & 0o077 == 0
    return file


def test_without_a_key_it_lies_there_plain(photos):
    """So that the test below could fail."""
    with running(settings=["worker.keep_pictures=true"]) as service:
        things, export, vector, waiting = use(service, photos)
        assert vector in exported(export).values()
        values, files = stored(service)
        assert traces(values, {**things, "vector": vector}) == ["annotated", "picture", "photo", "vector"]
        assert traces(files, {**things, "vector": vector}) == ["annotated", "picture", "photo", "vector"]
        go_on(service, waiting)


def test_with_a_key_neither_redis_nor_its_files_show_a_face(photos, key):
    settings = ["worker.keep_pictures=true", f"common.encryption_key_file={key}"]
    with running(settings=settings) as service:
        things, export, _, waiting = use(service, photos, key=key)
        for where in stored(service):
            assert traces(where, {**things, **exported(export)}) == []
        go_on(service, waiting)

        # Who has no key, or another, is told so, and changes nothing.
        other = key.with_name("other")
        ctl(service, "encryption-key", other)
        said = ctl(service, "export", service.data / "x", code=1)
        assert "encrypted" in said and "not set" in said
        assert "encrypted with key" in ctl(service, "export", service.data / "x", key=other, code=1)
        assert "default" in ctl(service, "status")
        for wrong in ("", str(other)):
            program = os.path.join(os.path.dirname(CTL), "vultus-worker")
            done = subprocess.run([program, "--config", str(ROOT / "config/vultus.toml"), "--set", f"common.data={service.data}",
                                   "--set", f"common.encryption_key_file={wrong}", "--set", f"worker.models={ROOT}/build/models",
                                   "--set", f"worker.calibration={ROOT}/config/calibration.txt"],
                                  capture_output=True, text=True, timeout=60)
            assert (done.returncode, "encrypted" in done.stderr) == (2, True), done.stderr
            assert key.read_text().strip() not in done.stderr + said
        # Its own key never stands in a log, in Redis or in its files.
        assert key.read_text().strip() not in service.logs(10_000)
        for where in stored(service):
            assert traces(where, {"key": bytes.fromhex(key.read_text()), "hex": key.read_text().strip().encode()}) == []


def test_a_service_that_was_plain_becomes_encrypted(photos, key, tmp_path):
    plain = ["worker.keep_pictures=true"]
    data = tmp_path / "data"
    data.mkdir()
    service = Service(data, settings=plain).wait_ready()
    things, _, vector, waiting = use(service, photos)
    go_on(service, waiting)
    assert service.stop() == 0
    service = Service(data, settings=[*plain, f"common.encryption_key_file={key}"]).wait_ready()
    try:
        assert names(service.recognize(photos["obama2"])) == ["Barack"]  # plain ones are read
        assert "4 of 4" in ctl(service, "encrypt", key=key)
        assert "0 of 4" in ctl(service, "encrypt", key=key)
        store = service.redis()
        job = store.zrange("vultus:{0}:queue:all", 0, -1)
        assert job and store.bgrewriteaof()
        wait_until(lambda: store.info("persistence")["aof_rewrite_in_progress"] == 0 and
                   store.info("persistence")["aof_rewrite_scheduled"] == 0, what="the rewrite")
        for where in stored(service):
            assert traces(where, {"picture": things["picture"], "vector": vector, "photo": things["photo"]}) == []
        for pid in service.pids("vultus-worker"):
            os.kill(pid, 9)  # the next one loads all of it
        assert names(service.recognize(photos["obama2"])) == ["Barack"]
        assert service.fsck() == []
    finally:
        service.stop()
