"""The page's shell and its first view, recognise, as a person uses them: a real browser, a real service."""
import json
import time

import pictures
from conftest import ROOT
from page_support import (PHOTOS, browser, expect, group_photo, page, recognize, teach, url,  # noqa: F401
                          view)
from PIL import Image

SCRIPT = "<script>alert(1)</script>"
BYTES_MOST = 170_000


def test_headers_keep_the_page_to_itself(page, url):
    answer = page.request.get(url + "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    for part in ("object-src 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_is_small_and_asks_nobody_else(page, url):
    seen = []
    page.on("response", lambda answer: seen.append(answer))
    begin = time.monotonic()
    page.reload(wait_until="load")
    expect(page.locator("#service")).to_have_attribute("data-state", "ready")
    usable = time.monotonic() - begin
    assert all(answer.url.startswith(url + "/") for answer in seen)
    files = [answer for answer in seen if "/api/" not in answer.url]
    sizes = {answer.url.rsplit("/", 1)[1].split("?")[0]: len(answer.body()) for answer in files}
    print(f"\npage: {sum(sizes.values())} bytes in {len(sizes)} files, usable after {usable * 1000:.0f} ms")
    in_source = {path.name: path.stat().st_size for path in (ROOT / "api/web").rglob("*") if path.is_file()}
    of_calls = sum(in_source.pop(name) for name in ("docs.html", "docs.js", "docs.css"))  # a page of its own, /docs
    assert len(sizes) > 10 and sum(sizes.values()) <= sum(in_source.values()) <= BYTES_MOST
    assert of_calls <= 10_000


def test_many_photos_with_a_row_each(page, tmp_path):
    page.forgiven = ("status of 415",)
    text, huge = tmp_path / "text.jpg", tmp_path / "huge.jpg"
    text.write_text("no photo")
    huge.write_bytes(b"\xff\xd8" + bytes(11 * 1024 * 1024))
    recognize(page, PHOTOS / "obama.jpg", PHOTOS / "biden.jpg", text, huge, PHOTOS / "obama2.jpg")
    rows = page.locator(".photo")
    assert [row.get_attribute("data-state") for row in rows.all()] == ["done", "done", "failed", "failed", "done"]
    says = page.locator(".photo .says").all_text_contents()
    assert says[0] == says[1] == "1 unknown face"
    assert says[2] == "Not a JPEG, PNG, WebP, HEIC or AVIF image" and says[3] == "11.0 MiB; at most 10 MiB"
    rows.nth(3).click()
    expect(page.locator("#stage-error")).to_have_text(says[3])
    # Up and down go through the photos, and each shows its own faces.
    page.keyboard.press("ArrowDown")
    expect(rows.nth(4)).to_be_focused()
    expect(page.locator("#stage-title")).to_have_text("obama2.jpg")
    expect(page.locator(".box")).to_have_count(1)
    page.get_by_role("button", name="Remove huge.jpg").click()
    expect(rows).to_have_count(4)


def test_bombs_are_refused_row_by_row(page, tmp_path):
    """Small files that would unpack to gigabytes: the page shows them no better than the service decodes them."""
    page.forgiven = ("status of 413", "status of 422")
    grey = Image.new("RGB", (300, 300), (128, 128, 128))
    bombs = {"900_megapixels.png": pictures.png(30_000, 30_000), "real_one.png": pictures.blank_png(8_001, 5_000),
             "scans.jpg": pictures.jpeg_with_scans(grey, 5_000), "canvas.webp": pictures.webp_with_other_canvas(grey, 10_000, 3_000),
             "frame.jpg": pictures.jpeg_with_second_frame_header(grey)}
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    recognize(page, *(tmp_path / name for name in bombs), PHOTOS / "obama.jpg")
    states = [row.get_attribute("data-state") for row in page.locator(".photo").all()]
    assert states == ["failed"] * len(bombs) + ["done"]
    assert all(page.locator(".photo .says").all_text_contents())


def test_a_face_is_taught_from_a_group(page, tmp_path):
    recognize(page, group_photo(tmp_path / "group.jpg"))
    boxes = page.locator(".box")
    expect(boxes).to_have_count(3)
    # The boxes stand where the service says, from left to right or not: take them by their place.
    places = sorted(range(3), key=lambda n: boxes.nth(n).bounding_box()["x"])
    boxes.nth(places[1]).click()
    expect(page.locator("#face-title")).to_have_text("Who is this?")
    expect(page.locator("#face-title")).to_be_focused()
    expect(page.locator("#face-others")).to_contain_text("No similar person")
    page.fill("#face-name", "Joe Biden")
    page.keyboard.press("Enter")
    expect(page.locator("#face-verdict")).to_have_text("Learned: this is Joe Biden.")
    # The photo is looked at again by itself, and the same face is still the chosen one.
    expect(page.locator(".box[data-status=known]")).to_have_count(1)
    chosen = page.locator(".box[aria-pressed=true]")
    expect(chosen).to_have_attribute("aria-label", "Face 1: Joe Biden, known") if places[1] == 0 else \
        expect(chosen).to_have_attribute("data-status", "known")
    expect(page.locator("#face-title")).to_have_text("Joe Biden")
    # Another person's photo: who else could it be?
    recognize(page, PHOTOS / "obama2.jpg")
    page.locator(".box").click()
    other = page.locator(".other")
    expect(other).to_have_count(1)
    expect(other.locator(".name")).to_have_text("Joe Biden")
    assert float(other.locator(".number").text_content()) > 0.38
    other.click()
    expect(page.locator("#face-name")).to_have_value("Joe Biden")
    recognize(page, PHOTOS / "biden.jpg")
    expect(page.locator(".photo .says").last).to_have_text("Joe Biden")


def test_boxes_lie_on_the_faces(page):
    """Against the service's own coordinates, at the size in which the photo is shown."""
    recognize(page, PHOTOS / "obama2.jpg")
    page.click("#stage-copy")
    expect(page.locator(".toast")).to_contain_text("Copied")
    result = json.loads(page.evaluate("navigator.clipboard.readText()"))
    photo, box = page.locator("#stage-photo").bounding_box(), page.locator(".box").bounding_box()
    scale = photo["width"] / result["image"]["width"]
    wanted = result["faces"][0]["box"]
    assert abs(box["x"] - photo["x"] - wanted["left"] * scale) < 2
    assert abs(box["y"] - photo["y"] - wanted["top"] * scale) < 2
    assert abs(box["width"] - (wanted["right"] - wanted["left"] + 1) * scale) < 2


def test_a_photo_is_pasted_dropped_or_taken(page):
    give = """async ([name, kind]) => {
      const bytes = await (await fetch(name)).blob();
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], "given.jpg", { type: "image/jpeg" }));
      const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }) :
        new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
      document.getElementById("recognize-drop").dispatchEvent(event);
    }"""
    page.route("**/given.jpg", lambda route: route.fulfill(path=PHOTOS / "obama2.jpg"))
    for number, kind in enumerate(("paste", "drop"), 1):
        page.evaluate(give, ["given.jpg", kind])
        expect(page.locator(".photo[data-state=done]")).to_have_count(number)
    page.click("#recognize-take")
    expect(page.locator("#camera-shoot")).to_be_enabled()
    page.click("#camera-shoot")
    expect(page.locator("#camera")).to_be_hidden()
    expect(page.locator(".photo[data-state=done]")).to_have_count(3)
    expect(page.locator("#stage-says")).to_contain_text("No face found")  # the browser's test picture
    assert page.evaluate("document.getElementById('camera-video').srcObject") is None


def test_a_camera_that_is_not_there_is_named(page):
    page.evaluate("""() => { navigator.mediaDevices.getUserMedia =
        () => Promise.reject(new DOMException("", "NotFoundError")); }""")
    page.click("#recognize-take")
    expect(page.locator("#camera-error")).to_contain_text("No camera found")
    page.keyboard.press("Escape")
    expect(page.locator("#camera")).to_be_hidden()


def test_a_script_tag_is_a_name_like_any_other(page):
    scripts = page.locator("script").count()
    view(page, "People")
    teach(page, SCRIPT, PHOTOS / "obama.jpg")
    expect(page.locator("#people-list .name")).to_have_text(SCRIPT)
    page.locator(".person").click()
    expect(page.locator("#person-title")).to_have_text(SCRIPT)
    page.keyboard.press("Escape")
    view(page, "Recognise")
    recognize(page, PHOTOS / "obama2.jpg")
    expect(page.locator(".box span")).to_have_text(SCRIPT)
    page.locator(".box").click()
    expect(page.locator(".other .name")).to_have_text(SCRIPT)
    view(page, "Jobs")
    expect(page.locator("#jobs-list .name").filter(has_text=SCRIPT)).to_have_count(1)
    assert page.locator("script").count() == scripts


def test_long_poll_takes_over_when_the_event_stream_breaks(page):
    page.forgiven = ("ERR_FAILED",)
    page.route("**/api/events", lambda route: route.abort())
    polls = []
    page.on("request", lambda r: polls.append(r.url) if "wait=" in r.url else None)
    recognize(page, PHOTOS / "obama.jpg")
    expect(page.locator(".photo .says")).to_have_text("1 unknown face")
    assert polls


def test_one_stream_is_enough_for_many_photos(page):
    asked = []
    page.on("request", lambda r: asked.append(r.url.split("/api/")[1]) if "/api/" in r.url else None)
    recognize(page, *[PHOTOS / "obama2.jpg"] * 6)
    assert asked.count("events") == 1
    assert not [one for one in asked if "wait=" in one]


def test_the_page_says_that_the_service_is_away_and_goes_on(page):
    page.forgiven = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_NETWORK_CHANGED")
    page.context.set_offline(True)
    expect(page.locator("#away")).to_contain_text("This page reconnects automatically")
    page.set_input_files("#recognize-file", str(PHOTOS / "obama2.jpg"))
    expect(page.locator(".photo .says")).to_contain_text("trying again")
    page.context.set_offline(False)
    expect(page.locator("#service")).to_have_attribute("data-state", "ready")
    expect(page.locator("#away")).to_be_hidden()
    expect(page.locator(".photo[data-state=done]")).to_have_count(1)
