"""The live view with a camera of the test's own: a Y4M clip of faces that move, played by the browser."""
import base64
import io
import os
import signal

import pytest
from conftest import names, running, wait_until
from live_client import clip
from page_support import BROWSER, SHOTS, expect, page, view  # noqa: F401
from PIL import Image
from playwright.sync_api import sync_playwright


def y4m(frames, path):
    """Pictures as the uncompressed video that Chromium's fake camera reads: planes Y, Cb and Cr, the last two halved."""
    with open(path, "wb") as out:
        out.write(b"YUV4MPEG2 W640 H480 F30:1 Ip C420jpeg\n")
        for frame in frames:
            y, cb, cr = Image.open(io.BytesIO(frame)).convert("YCbCr").split()
            half = [plane.resize((320, 240), Image.BILINEAR).tobytes() for plane in (cb, cr)]
            out.write(b"FRAME\n" + y.tobytes() + b"".join(half))
    return path


@pytest.fixture(scope="module")
def service():
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def url(service):
    return service.url


@pytest.fixture(scope="module")
def browser(photos, tmp_path_factory):
    """The camera shows one face that goes to and fro."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    there = [frame for frame, _ in clip(photos, ["obama2"], 30, side=300)]
    camera = y4m(there + there[::-1], tmp_path_factory.mktemp("camera") / "camera.y4m")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=BROWSER, args=[
            "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}"])
        yield found
        found.close()


@pytest.fixture
def live(page):  # noqa: F811
    view(page, "Live")
    return page


def shown(page, service, collection):
    """Who can be recognised in the picture that the page shows now."""
    picture = page.evaluate("() => document.getElementById('live-canvas').toDataURL('image/jpeg', 0.95)")
    return names(service.recognize(base64.b64decode(picture.split(",")[1]), collection=collection))


def opaque(page):
    """Whether the canvas covers the camera's own picture."""
    return page.evaluate("""() => {
      const canvas = document.getElementById("live-canvas");
      return getComputedStyle(canvas).backgroundColor !== "rgba(0, 0, 0, 0)";
    }""")


def test_names_follow_the_face(live, service, photos):
    service.train("Barack", photos["small_obama"], collection=live.collection)
    live.click("#live-start")
    expect(live.locator("#live-says")).to_have_text("Live")
    expect(live.locator("#live-people .name")).to_have_text("Barack")
    live.wait_for_function("() => Number(document.getElementById('live-fps').textContent) > 0")
    meters = {name: live.inner_text(f"#live-{name}") for name in ("fps", "ms", "dropped")}
    print(f"\nlive page: {meters['fps']} pictures/s, {meters['ms']} ms, {meters['dropped']} left out")
    assert not opaque(live)
    live.screenshot(path=SHOTS / "live.png")
    # Forgotten while the camera runs: the name goes.
    service.clear(collection=live.collection)
    expect(live.locator("#live-people")).to_contain_text("1 unknown face")
    live.click("#live-start")
    expect(live.locator("#live-says")).to_have_text("Off")
    assert live.evaluate("document.getElementById('live-video').srcObject") is None


def test_a_stranger_is_hidden_in_every_picture_that_is_shown(live, service, photos):
    elsewhere = f"{live.collection}-elsewhere"  # the page's own collection knows nobody
    service.train("Barack", photos["small_obama"], collection=elsewhere)
    live.forgiven = ("willReadFrequently",)  # the browser's remark on how this test looks at the canvas
    live.select_option("#live-blur", "unknown")
    assert opaque(live), "the camera's own picture is covered before the first answer"
    live.click("#live-start")
    expect(live.locator("#live-people")).to_contain_text("1 unknown face")
    hidden = [shown(live, service, elsewhere) for _ in range(10)]
    live.screenshot(path=SHOTS / "live-hidden.png")
    assert all("Barack" not in who for who in hidden), hidden
    live.select_option("#live-blur", "known")
    assert opaque(live)
    wait_until(lambda: shown(live, service, elsewhere) == ["Barack"], what="a picture with the stranger's face")


def test_it_comes_back_after_the_api_died(live, service):
    live.forgiven = ("WebSocket", "ERR_", "status of 503")
    live.click("#live-start")
    expect(live.locator("#live-says")).to_have_text("Live")
    [api] = service.pids("vultus-api")
    os.kill(api, signal.SIGKILL)
    expect(live.locator("#live-says")).to_contain_text("Trying again")
    wait_until(lambda: service.pids("vultus-api") not in ([], [api]), what="another api")
    expect(live.locator("#live-says")).to_have_text("Live")


def test_leaving_the_view_ends_the_camera(live):
    live.click("#live-start")
    expect(live.locator("#live-says")).to_have_text("Live")
    view(live, "Jobs")
    assert live.evaluate("document.getElementById('live-video').srcObject") is None


def test_no_camera_is_a_clear_sentence(live):
    live.evaluate("""() => { navigator.mediaDevices.getUserMedia =
        () => Promise.reject(new DOMException("", "NotAllowedError")); }""")
    live.click("#live-start")
    expect(live.locator("#live-error")).to_contain_text("Allow it in the address bar")
    expect(live.locator("#live-start")).to_have_text("Start the camera")
