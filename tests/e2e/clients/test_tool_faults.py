"""vultus-lfw and vultus-camera where what they speak to is absent, silent, slow or wrong: each ends in time,
with an exit code that is not 0, and says why. No test waits for a fixed time: the programs have deadlines."""
import json
import os
import pathlib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from bad_service import ALL, BadLive, bad_service
from conftest import PHOTOS, ROOT, jpeg
from PIL import Image
from test_camera import camera, finish, lines_of, press, screen  # noqa: F401 (a fixture)

BIN = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))


def run(*words, **more):
    return subprocess.run(list(map(str, words)), text=True, errors="replace", capture_output=True, timeout=90,
                          **{"input": "", **more})


# ---- vultus-lfw ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lfw")
    for name, number in ("Obama", 1), ("Obama", 2), ("Biden", 1):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / f"{name}_{number:04}.jpg").write_bytes((PHOTOS / "biden.jpg").read_bytes())
    (folder / "pairs.txt").write_text("1\nObama\t1\t2\nObama\t1\tBiden\t1\n")
    return folder


def lfw(folder, *words, **more):
    return run(BIN / "vultus-lfw", "--images", folder, "--pairs", folder / "pairs.txt", *words, cwd=ROOT, **more)


@pytest.mark.parametrize("fault", ALL)
def test_a_measured_service_that_is_none_ends_the_measuring(fault, faces, tmp_path):
    begin = time.monotonic()
    with bad_service(fault) as service:
        done = lfw(faces, "--url", service.url, "--threads", 2, "--patience", 1.5, "--distances", tmp_path / "out")
    assert done.returncode == 1 and done.stderr.startswith("vultus-lfw: ") and ".jpg" in done.stderr, done
    assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - begin < 60  # the deadline is 1.5 s; this only says that there is one


def test_places_that_cannot_be_written_are_said_before_the_work(faces, tmp_path):
    done = lfw(faces, "--url", "http://127.0.0.1:1", "--roc", tmp_path / "none/x.svg")
    assert done.returncode == 2 and "none/x.svg cannot be written" in done.stderr, done


# ---- vultus-camera ------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Four pictures, of two sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    for i, size in enumerate([(320, 240), (320, 240), (200, 400), (640, 480)]):
        (folder / f"{i}.jpg").write_bytes(jpeg(Image.new("RGB", size, (40 * i, 90, 160))))
    return folder


def answer_of(seq, blur=False):
    return json.dumps({"type": "frame", "seq": seq, "dropped": 0, "faces": [
        {"track": 1, "box": {"left": 10, "top": 10, "right": 60, "bottom": 60}, "status": "unknown", "label": None,
         "blur": blur}]})


def live_nothing(kind, data, send):
    pass


def live_nonsense(kind, data, send):
    send('{"type": "frame", "seq": "one", "faces": {"a": [1]}}')
    send("<html>")
    send("[" * 5000)


LIVE = {"live silent": lambda: BadLive(live_nothing), "live nonsense": lambda: BadLive(live_nonsense)}


def test_pictures_that_nobody_answered_are_a_failure(pictures, tmp_path):
    """All faults at once: each camera waits some seconds for an answer to its last picture."""
    def ended(fault):
        folder = tmp_path / fault.replace(" ", "_")
        folder.mkdir()
        with (LIVE[fault]() if fault in LIVE else bad_service(fault)) as service:
            code, lines, _ = finish(camera(pictures, "--url", service.url, "--headless", "--json", "--rate", 50,
                                           "--out", folder / "out.avi"))
        return fault, code, lines, list(folder.iterdir())
    with ThreadPoolExecutor(8) as pool:
        for fault, code, lines, left in pool.map(ended, [*ALL, *LIVE]):
            assert code == 1 and lines[-1]["problem"] == "no_answer", (fault, lines)
            assert "none of 4 images" in lines[-1]["detail"] and left == [], fault


class Counting:
    """Answers each frame at once."""

    def __init__(self):
        self.frames = 0

    def __call__(self, kind, data, send):
        if kind == 2:
            self.frames += 1
            send(answer_of(self.frames))


def frames_in(video):
    """Of a motion JPEG AVI: the chunks of its stream, each of which begins a JPEG."""
    return video.read_bytes().split(b"idx1")[0].count(b"\xff\xd8\xff")


def test_pictures_of_other_sizes_are_in_the_video_and_it_is_for_its_owner(pictures, tmp_path):
    video = tmp_path / "out.avi"
    with BadLive(Counting()) as service:
        code, lines, errors = finish(camera(pictures, "--url", service.url, "--headless", "--json", "--rate", 3,
                                            "--out", video))
    answers = [line for line in lines if "answer" in line]
    assert code == 0 and len(answers) == 4, (lines, errors)
    assert frames_in(video) == 4 and video.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.avi"]


def test_what_cannot_be_written_ends_with_1(pictures, tmp_path):
    with BadLive(Counting()) as service:
        words = [pictures, "--url", service.url, "--headless", "--json", "--rate", 20]
        assert finish(camera(*words, "--out", tmp_path / "none/out.avi"))[0] == 1
        assert camera(*words, "--out", "-").wait(30) == 2
        with open("/dev/full", "w") as full:
            assert subprocess.run([str(BIN / "vultus-camera"), *map(str, words)], stdout=full, timeout=60).returncode == 1


def test_nobody_is_seen_after_the_key_that_hides(pictures, screen, tmp_path):  # noqa: F811
    """Two frames are on their way when the key is pressed: their answers, made before, hide nobody."""
    seen = {"frames": 0, "waiting": [], "hides": False}

    def told(kind, data, send):
        if kind == 1:
            seen["hides"] = json.loads(data)["blur"] != "none"
            if seen["hides"]:
                for seq in seen["waiting"]:
                    send(answer_of(seq))
        else:
            seen["frames"] += 1
            if seen["hides"]:
                send(answer_of(seen["frames"], blur=True))
            else:
                seen["waiting"].append(seen["frames"])

    video, many = tmp_path / "out.avi", tmp_path / "many"
    many.mkdir()
    for i in range(80):
        (many / f"{i:03}.jpg").symlink_to(pictures / "0.jpg")
    with BadLive(told) as service:
        process = camera(many, "--url", service.url, "--json", "--rate", 4, "--out", video, env=screen)
        lines_of(process, lambda line: line.get("state") == "connected")
        press("b", screen)
        code, lines, errors = finish(process)
    blurred = [line["answer"]["faces"][0]["blur"] for line in lines if "answer" in line]
    assert code == 0 and seen["waiting"] and True in blurred and False in blurred, (lines, errors)
    assert frames_in(video) == blurred.count(True), blurred
