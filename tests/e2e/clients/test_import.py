"""vultusctl import, on a running service: a verdict for each file, a second run that does nothing twice, and an end
in the middle that says which half is there."""
import json
import os
import signal
import subprocess

import pytest
from PIL import Image

from conftest import ROOT, jpeg, running, wait_until

CTL = os.environ.get("VULTUS_BIN", str(ROOT / "build/e2e/bin")) + "/vultusctl"


def command(service, folder, *words):
    return [CTL, "--data", str(service.data), "import", str(folder), *words]


def imported(service, folder, *words):
    """The exit code, the state of each file, and the whole report."""
    ran = subprocess.run(command(service, folder, "--json", *words), capture_output=True, text=True, timeout=100)
    assert ran.stderr == "", ran.stderr
    said = json.loads(ran.stdout)
    return ran.returncode, {one["file"]: one["state"] for one in said["files"]}, said


def fill(folder, files):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def counts(service, collection="default"):
    answer = service.call("GET", "/api/faces", params={"collection": collection}).json()
    return {one["label"]: one["count"] for one in answer["faces"]}


@pytest.fixture
def people(photos, tmp_path):
    return fill(tmp_path / "people", {
        "Barack Obama/1.jpg": photos["small_obama"], "Barack Obama/same.jpg": photos["small_obama"],
        "Joe Biden/1.jpg": photos["small_biden"], "Joe Biden/.hidden": b"x", "loose.jpg": b"",
        "Nobody/text.jpg": b"this is no photo", "Nobody/cut.jpg": photos["small_biden"][:2000],
        "Nobody/wall.jpg": jpeg(Image.new("RGB", (200, 200), "grey"))})


def test_a_verdict_for_each_file_and_nothing_twice(shared_service, people):
    service = shared_service
    code, files, said = imported(service, people)
    assert files == {"Barack Obama/1.jpg": "imported", "Barack Obama/same.jpg": "duplicate",
                     "Joe Biden/1.jpg": "imported", "Joe Biden/.hidden": "skipped", "loose.jpg": "skipped",
                     "Nobody/text.jpg": "refused", "Nobody/cut.jpg": "refused", "Nobody/wall.jpg": "refused"}
    assert code == 1 and said["people_missed"] == ["Nobody"] and said["imported"] == 2 and said["refused"] == 3
    reasons = {one["file"]: one.get("reason") for one in said["files"]}
    assert reasons["Nobody/wall.jpg"] == "no_face" and reasons["Nobody/text.jpg"] == "unsupported_media"
    assert reasons["Nobody/cut.jpg"] == "truncated_image"
    assert counts(service) == {"Barack Obama": 1, "Joe Biden": 1}

    service.submit("/api/rename", label="Joe Biden", label_to="Joe")
    service.call("DELETE", "/api/faces/Barack%20Obama")
    wait_until(lambda: counts(service) == {"Joe": 1}, what="the removal")
    again = imported(service, people)[1]
    assert again == files | {"Joe Biden/1.jpg": "known"}  # the removed one is taught again, the renamed one is not
    assert counts(service) == {"Joe": 1, "Barack Obama": 1}
    code, once_more, said = imported(service, people, "--detector", "cnn")
    assert once_more == again | {"Barack Obama/1.jpg": "known"} and code == 1
    assert imported(service, people, "--collection", "team")[1] == files
    assert service.fsck() == []


def test_lines_for_people_and_the_exit_code(shared_service, people):
    ran = subprocess.run(command(shared_service, people, "--collection", "lines"), capture_output=True, text=True, timeout=100)
    lines = ran.stdout.splitlines()
    assert "refused     Nobody/wall.jpg  no_face: No face found" in lines and "imported    Joe Biden/1.jpg" in lines
    assert "duplicate   Barack Obama/same.jpg  same_bytes: same as Barack Obama/1.jpg" in lines
    assert lines[-3:] == [f"{people} into lines: 2 imported, 1 duplicate, 3 refused, 2 skipped", "", "no photo imported for: Nobody"]
    assert ran.returncode == 1
    good = fill(people.parent / "faces", {"Joe Biden/1.jpg": (people / "Joe Biden/1.jpg").read_bytes(),
                                          "train/1700-x.webp": b"nobody"})
    assert imported(shared_service, good, "--collection", "frigate")[:2] == (
        0, {"Joe Biden/1.jpg": "imported", "train": "skipped"})
    empty = people.parent / "empty"
    empty.mkdir()
    assert imported(shared_service, empty)[0] == 1
    assert subprocess.run(command(shared_service, empty / "none"), capture_output=True).returncode == 1


def test_an_interrupted_import_says_which_half_is_there_and_goes_on(photos, tmp_path):
    content = photos["small_obama"]
    folder = fill(tmp_path / "people", {f"P{i}/1.jpg": content + bytes([i]) for i in range(100)})
    with running(settings=["worker.vision_threads=1"]) as service:
        [worker] = service.pids("vultus-worker")
        os.kill(worker, signal.SIGSTOP)
        ran = subprocess.Popen(command(service, folder, "--json"), stdout=subprocess.PIPE, text=True)
        wait_until(lambda: service.redis().zcard("vultus:{0}:queue:all") >= 64, what="all that are open at a time")
        ran.send_signal(signal.SIGINT)
        said = json.loads(ran.communicate(timeout=100)[0])
        assert ran.returncode == 1
        reasons = [one["reason"] for one in said["files"]]
        assert len(reasons) == 100 and {*reasons} == {"accepted", "not_begun"}, said
        assert 56 <= reasons.count("accepted") <= 64, "no more are open; an answer or two may have been on its way"
        os.kill(worker, signal.SIGCONT)
        code, files, said = imported(service, folder)
        assert code == 0 and said["imported"] + said["known"] == 100, said
        assert counts(service) == {f"P{i}": 1 for i in range(100)} and service.fsck() == []


def test_redis_dies_in_the_middle(photos, tmp_path):
    content = photos["small_obama"]
    folder = fill(tmp_path / "people", {f"P{i}/1.jpg": content + bytes([i]) for i in range(60)})
    with running() as service:
        ran = subprocess.Popen(command(service, folder, "--json"), stdout=subprocess.PIPE, text=True)
        wait_until(lambda: len(counts(service)) >= 3, what="the first people")
        [redis] = service.pids("redis-server")
        os.kill(redis, signal.SIGKILL)
        said = json.loads(ran.communicate(timeout=100)[0])
        assert ran.returncode == 0 and said["imported"] + said["known"] == 60, said
        assert counts(service) == {f"P{i}": 1 for i in range(60)}
