"""Goes through the web page as a person does, in a real browser, against a running service.

VULTUS_URL      where the service is; without it one is started
VULTUS_PHOTOS   folder with biden.jpg, obama.jpg, obama2.jpg (default build/photos)
VULTUS_SHOTS    where screenshots go (default build/web)
VULTUS_BROWSER  a Chromium (default /usr/bin/chromium)

Works in a collection of its own, which it deletes.
"""
import os
import pathlib
import uuid

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = pathlib.Path(os.environ.get("VULTUS_PHOTOS", ROOT / "build/photos"))
SHOTS = pathlib.Path(os.environ.get("VULTUS_SHOTS", ROOT / "build/web"))
BROWSER = os.environ.get("VULTUS_BROWSER", "/usr/bin/chromium")
SCRIPT = "<script>alert(1)</script>"
WAIT_MS = 60_000  # a bound for a slow machine, not an expectation

# How many pixels of the canvas over the photo have (nearly) the colour of a status.
COUNT = """([r, g, b]) => {
  const canvas = document.getElementById("recognise-boxes");
  if (!canvas.width || !canvas.height) return 0;
  const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let n = 0;
  for (let i = 0; i < bytes.length; i += 4)
    if (bytes[i + 3] > 200 && Math.abs(bytes[i] - r) + Math.abs(bytes[i + 1] - g)
        + Math.abs(bytes[i + 2] - b) < 12) n += 1;
  return n;
}"""
GREEN, GREY = [25, 122, 70], [91, 103, 113]


@pytest.fixture(scope="module")
def url(request):
    return os.environ.get("VULTUS_URL", "").rstrip("/") or request.getfixturevalue("shared_service").url


@pytest.fixture(scope="module")
def browser():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser, url):
    """A fresh page on a fresh collection. Fails the test if the page complained or asked."""
    collection = "page-" + uuid.uuid4().hex[:12]
    context = browser.new_context(viewport={"width": 1180, "height": 860})
    tab = context.new_page()
    tab.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    tab.complaints, tab.forgiven = [], ()
    bad = ("error", "warning")
    tab.on("console", lambda m: tab.complaints.append(m.text) if m.type in bad else None)
    tab.on("pageerror", lambda e: tab.complaints.append(str(e)))
    tab.on("dialog", lambda d: (tab.complaints.append("dialog " + d.message), d.dismiss()))
    tab.goto(f"{url}/?collection={collection}")
    expect(tab.locator("#service")).to_have_attribute("data-state", "ready")
    yield tab
    left = [c for c in tab.complaints if not any(word in c for word in tab.forgiven)]
    context.request.delete(f"{url}/api/collections/{collection}", headers={"Prefer": "wait=10"})
    context.close()
    assert left == []


def teach(page, name, *photos):
    page.fill("#teach-name", name)
    page.set_input_files("#teach-files", [str(photo) for photo in photos])
    page.click("#teach-send")
    expect(page.locator("#teach-verdicts li[data-state]")).to_have_count(len(photos))
    expect(page.locator("#teach-send")).to_be_enabled()


def recognise(page, photo):
    page.set_input_files("#recognise-file", str(photo))
    page.wait_for_function("""() => document.querySelector("#recognise-footer").textContent
        || !document.querySelector("#recognise-error").hidden""")
    expect(page.locator("#recognise-error")).to_be_hidden()
    expect(page.locator("#recognise-progress")).to_be_hidden()


def names(page):
    return page.locator("#people-list .name").all_text_contents()


def test_headers_keep_the_page_to_itself(page, url):
    answer = page.request.get(url + "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_teach_recognise_delete_clear(page):
    page.forgiven = ("willReadFrequently",)  # this test reads the canvas, the page never does
    expect(page.locator("#people-empty")).to_be_visible()
    teach(page, "biden", PHOTOS / "biden.jpg")
    recognise(page, PHOTOS / "obama2.jpg")
    face = page.locator("#recognise-faces li")
    expect(face).to_have_attribute("data-status", "unknown")
    assert page.evaluate(COUNT, GREY) > 200 and page.evaluate(COUNT, GREEN) == 0

    teach(page, "obama", PHOTOS / "obama.jpg")
    expect(page.locator("#people-list li")).to_have_count(2)
    assert sorted(names(page)) == ["biden", "obama"]
    recognise(page, PHOTOS / "obama2.jpg")
    expect(face).to_have_attribute("data-status", "known")
    expect(face.locator(".name")).to_have_text("obama")
    assert page.evaluate(COUNT, GREEN) > 200 and page.evaluate(COUNT, GREY) == 0
    page.screenshot(path=SHOTS / "recognised.png")

    page.get_by_role("button", name="Delete biden").click()
    page.click("#confirm-no")
    assert sorted(names(page)) == ["biden", "obama"]
    page.get_by_role("button", name="Delete biden").click()
    page.click("#confirm-yes")
    expect(page.locator("#people-list li")).to_have_count(1)
    assert names(page) == ["obama"]

    page.focus("#people-clear")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#confirm-yes")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#people-empty")).to_be_visible()
    recognise(page, PHOTOS / "obama2.jpg")
    expect(face).to_have_attribute("data-status", "unknown")


def test_a_script_tag_is_a_name_like_any_other(page):
    scripts = page.locator("script").count()
    teach(page, SCRIPT, PHOTOS / "obama.jpg")
    expect(page.locator("#people-list .name")).to_have_text(SCRIPT)
    recognise(page, PHOTOS / "obama2.jpg")
    expect(page.locator("#recognise-faces .name")).to_have_text(SCRIPT)
    page.get_by_role("button", name="Delete " + SCRIPT).click()
    expect(page.locator("#confirm-title")).to_contain_text(SCRIPT)
    assert page.locator("script").count() == scripts
    page.click("#confirm-yes")
    expect(page.locator("#people-empty")).to_be_visible()


def test_a_bad_file_gets_its_own_verdict(page, tmp_path):
    page.forgiven = ("status of 415",)
    text, huge = tmp_path / "text.jpg", tmp_path / "huge.jpg"
    text.write_text("no photo")
    huge.write_bytes(b"\xff\xd8" + bytes(11 * 1024 * 1024))
    teach(page, "obama", text, huge, PHOTOS / "obama.jpg")
    states = [row.get_attribute("data-state") for row in page.locator("#teach-verdicts li").all()]
    assert states == ["refused", "refused", "accepted"]
    expect(page.locator("#people-list li")).to_have_count(1)
    page.set_input_files("#recognise-file", str(text))
    expect(page.locator("#recognise-error")).to_contain_text("Not a JPEG, PNG or WebP")
    expect(page.locator("#recognise-progress")).to_be_hidden()


def test_long_poll_takes_over_when_the_event_stream_breaks(page):
    page.forgiven = ("ERR_FAILED",)
    page.route("**/events", lambda route: route.abort())
    polls = []
    page.on("request", lambda r: polls.append(r.url) if "wait=" in r.url else None)
    teach(page, "obama", PHOTOS / "obama.jpg")
    expect(page.locator("#people-list li")).to_have_count(1)
    assert polls


def test_the_page_says_that_the_service_is_away_and_recovers(page):
    page.forgiven = ("ERR_INTERNET_DISCONNECTED",)
    page.context.set_offline(True)
    expect(page.locator("#service")).to_have_attribute("data-state", "away")
    page.set_input_files("#recognise-file", str(PHOTOS / "obama2.jpg"))
    expect(page.locator("#recognise-progress")).to_contain_text("trying again")
    page.context.set_offline(False)
    expect(page.locator("#service")).to_have_attribute("data-state", "ready")
    expect(page.locator("#recognise-faces li")).to_have_count(1)


def test_it_fits_a_phone_in_the_dark(page):
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 780})
    teach(page, "a name that is rather long for a phone, " + "x" * 120, PHOTOS / "obama.jpg")
    recognise(page, PHOTOS / "obama2.jpg")
    page.screenshot(path=SHOTS / "phone.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#recognise-photo").bounding_box()["width"] > 240
