"""vultus-camera on a generated video, with the service behind it: without a window, with one under Xvfb, and when
something is missing."""
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest
from conftest import ROOT, free_port, running, wait_until
from live_client import clip
from PIL import Image
from rtsp_server import RtspCamera

CAMERA = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin")) / "vultus-camera"
PEOPLE = ("obama", "biden")


@pytest.fixture(scope="module")
def service(photos):
    with running() as one:
        for name in PEOPLE:
            one.train(name, photos[f"small_{name}"])
        yield one


@pytest.fixture(scope="module")
def folder(photos, tmp_path_factory):
    """A folder of pictures that a video is made of, too: the files' names are their order."""
    made = tmp_path_factory.mktemp("clip")
    for i, (data, _) in enumerate(clip(photos, PEOPLE, 40)):
        (made / f"{i:03}.jpg").write_bytes(data)
    return made


def camera(*words, **more):
    assert CAMERA.exists(), f"{CAMERA}: `config/install camera` and a new build bring it"
    return subprocess.Popen([str(CAMERA), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def finish(process, seconds=120):
    out, errors = process.communicate(timeout=seconds)
    return process.returncode, [json.loads(line) for line in out.splitlines()], errors


def names(lines):
    return {face["label"] for line in lines if "answer" in line for face in line["answer"]["faces"]}


def test_pictures_of_a_folder_are_named_and_recorded_and_the_record_is_a_video(service, folder, tmp_path):
    video = tmp_path / "out.avi"
    code, lines, errors = finish(camera(folder, "--url", service.url, "--headless", "--json", "--rate", 4, "--out", video))
    assert code == 0, errors
    answers = [line for line in lines if "answer" in line]
    assert len(answers) >= 10 and set(PEOPLE) <= names(lines), lines[-3:]
    shown = [line["source_frame"] for line in answers]
    assert shown == sorted(set(shown)) and shown[-1] == 40, "in order, to the last"
    assert all(line["latency_ms"] >= 0 for line in answers)
    assert video.stat().st_size > 50_000
    # What it wrote it can read: the video file is a source as well.
    code, lines, errors = finish(camera(video, "--url", service.url, "--headless", "--json", "--rate", 5))
    assert code == 0, errors
    assert set(PEOPLE) <= names(lines)


def test_who_is_hidden_is_said_by_the_service(service, folder):
    code, lines, _ = finish(camera(folder, "--url", service.url, "--headless", "--json", "--rate", 8, "--blur", "known"))
    assert code == 0
    faces = [face for line in lines if "answer" in line for face in line["answer"]["faces"]]
    assert faces and all(face["blur"] == (face["status"] != "unknown") for face in faces[4:])


def test_what_is_missing_is_named(service, tmp_path):
    code, lines, _ = finish(camera(tmp_path / "no.avi", "--url", service.url, "--headless", "--json"))
    assert code == 1 and any("no.avi" in line.get("detail", "") for line in lines), lines
    empty = tmp_path / "empty"
    empty.mkdir()
    assert finish(camera(empty, "--url", service.url, "--headless", "--json"))[0] == 1
    for words in (("--url", "no address/x"), ("--blur", "some"), ("--nonsense",)):
        assert finish_plain(camera("0", *words)) == 2, words


def finish_plain(process):
    process.communicate(timeout=30)
    return process.returncode


def lines_of(process, wanted, seconds=60):
    """Reads lines until one is wanted."""
    end = time.monotonic() + seconds
    for line in process.stdout:
        found = json.loads(line)
        if wanted(found):
            return found
        assert time.monotonic() < end
    raise AssertionError(f"ended: {process.stderr.read()}")


def test_a_camera_that_is_not_there_and_a_service_that_is_away_are_waited_for(tmp_path):
    process = camera("97", "--url", f"http://127.0.0.1:{free_port()}", "--headless", "--json")
    words = set()
    lines_of(process, lambda line: words.add(line["problem"]) or words == {"no_picture", "no_connection"})
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_it_goes_on_when_the_service_comes_back(service, folder):
    process = camera(folder, "--url", service.url, "--headless", "--json", "--rate", 1)
    lines_of(process, lambda line: "answer" in line)
    api, = service.pids("vultus-api")
    os.kill(api, signal.SIGKILL)
    lines_of(process, lambda line: line.get("problem") == "no_connection")
    lines_of(process, lambda line: line.get("state") == "connected")
    lines_of(process, lambda line: "answer" in line)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_a_camera_in_the_network_is_named_and_waited_for_when_it_is_gone(service, photos):
    rtsp = RtspCamera([Image.open(io.BytesIO(data)) for data, _ in clip(photos, PEOPLE, 10)])
    try:
        process = camera(rtsp.url, "--url", service.url, "--headless", "--json")
        lines_of(process, lambda line: set(PEOPLE) <= names([line]))
        rtsp.stop()
        gone = lines_of(process, lambda line: line.get("problem") == "no_picture")
        assert "no more images" in gone["detail"] and "retry in" in gone["detail"], gone
        rtsp.start()
        lines_of(process, lambda line: set(PEOPLE) <= names([line]))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        rtsp.stop()


@pytest.fixture
def screen():
    """A display without one; what a program needs to find it."""
    server = shutil.which("Xvfb")
    assert server, "config/install camera brings Xvfb"
    read, write = os.pipe()
    display = subprocess.Popen([server, "-displayfd", str(write), "-screen", "0", "800x700x24", "-nolisten", "tcp"],
                               pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    yield {**os.environ, "DISPLAY": f":{os.read(read, 16).decode().strip()}", "QT_QPA_PLATFORM": "xcb"}
    display.terminate()
    wait_until(lambda: display.poll() is not None, what="the end of Xvfb")
    os.close(read)


def test_the_window_opens_and_shows_frames_under_xvfb(service, folder, screen):
    code, lines, errors = finish(camera(folder, "--url", service.url, "--json", "--rate", 6, env=screen))
    assert code == 0, errors
    assert set(PEOPLE) <= names(lines)


def press(key, screen):
    window = subprocess.run(["xdotool", "search", "--sync", "--name", "Vultus"], env=screen, capture_output=True, text=True,
                            timeout=30, check=True).stdout.split()[0]
    subprocess.run(["xdotool", "windowfocus", window, "key", key], env=screen, timeout=30, check=True)


def test_a_photo_is_chosen_in_a_dialog_and_another_key_ends_it(service, photos, screen, tmp_path):
    (tmp_path / "chosen.jpg").write_bytes(photos["small_biden"])
    dialog = tmp_path / "bin/zenity"
    dialog.parent.mkdir()
    dialog.write_text(f"#!/bin/sh\necho {tmp_path}/chosen.jpg\n")
    dialog.chmod(0o755)
    (tmp_path / "first.jpg").write_bytes(photos["small_obama"])
    path = f"{dialog.parent}:{os.environ['PATH']}"
    process = camera(tmp_path / "first.jpg", "--url", service.url, "--json", env={**screen, "PATH": path})
    lines_of(process, lambda line: names([line]) == {"obama"})  # and stays
    press("o", screen)
    lines_of(process, lambda line: names([line]) == {"biden"})
    press("q", screen)
    assert process.wait(20) == 0
