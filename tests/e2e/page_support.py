"""A browser on the web page: a fresh tab on a fresh collection of a running service.

VULTUS_URL      where the service is; without it one is started
VULTUS_PHOTOS   folder with biden.jpg, obama.jpg, obama2.jpg, obama3.jpg (default: those of build/photos, made smaller)
VULTUS_SHOTS    where screenshots go (default build/web)
VULTUS_BROWSER  a Chromium (default /usr/bin/chromium)
"""
import contextlib
import json
import os
import pathlib
import tempfile
import uuid

import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
MADE = tempfile.TemporaryDirectory(prefix="vultus-photos-")
PHOTOS = pathlib.Path(os.environ.get("VULTUS_PHOTOS", MADE.name))
SHOTS = pathlib.Path(os.environ.get("VULTUS_SHOTS", ROOT / "build/web"))
BROWSER = os.environ.get("VULTUS_BROWSER", "/usr/bin/chromium")
CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
WAIT_MS = 60_000  # a bound for a slow machine, not an expectation


for photo in () if "VULTUS_PHOTOS" in os.environ else (ROOT / "build/photos").glob("*.jpg"):
    smaller = Image.open(photo)
    smaller.thumbnail((800, 800))  # an eighth of the pixels: the page is tried here, not the detector
    smaller.save(PHOTOS / photo.name, quality=90)


@pytest.fixture(scope="module")
def url(request):
    return os.environ.get("VULTUS_URL", "").rstrip("/") or request.getfixturevalue("shared_service").url


@pytest.fixture(scope="module")
def browser():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *CAMERA])
        yield found
        found.close()


@contextlib.contextmanager
def fresh_tab(browser, **options):
    """An empty tab without cookies. Fails the test if a page in it complained or asked. `options`: of its context."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB",
                                  permissions=["clipboard-read", "clipboard-write"], **options)
    tab = context.new_page()
    tab.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    tab.complaints, tab.forgiven = [], ()
    bad = ("error", "warning")
    tab.on("console", lambda m: tab.complaints.append(m.text) if m.type in bad else None)
    tab.on("pageerror", lambda e: tab.complaints.append(str(e)))
    tab.on("dialog", lambda d: (tab.complaints.append("dialog " + d.message), d.dismiss()))
    yield tab
    left = [c for c in tab.complaints if not any(word in c for word in tab.forgiven)]
    context.close()
    assert left == [], left


@pytest.fixture
def page(browser, url):
    """A fresh page on a fresh collection."""
    with fresh_tab(browser) as tab:
        tab.collection = "page-" + uuid.uuid4().hex[:12]
        tab.goto(f"{url}/?collection={tab.collection}")
        expect(tab.locator("#service")).to_have_attribute("data-state", "ready")
        yield tab
        tab.context.request.delete(f"{url}/api/collections/{tab.collection}", headers={"Prefer": "wait=10"})


def view(page, name):
    page.locator("nav a", has_text=name).click()
    expect(page.locator(f"#view-{name.lower()}")).to_be_visible()


def let_pass(page, seconds):
    """Time passes in all tabs at once: what a change waits for its undo, or a tab for another that is gone. Their clock
    has to be installed before the wait begins: page.clock.install()."""
    page.clock.run_for(1_000 * seconds)


def teach(page, name, *photos):
    """On the people view; waits for every verdict."""
    page.fill("#teach-name", name)
    page.set_input_files("#teach-files", [str(photo) for photo in photos])
    verdicts_in(page, len(photos))


def verdicts_in(page, number):
    page.wait_for_function("""number => document.querySelector("#teach-stop").hidden && document.querySelectorAll(
        "#teach-verdicts li:is([data-state=accepted], [data-state=refused])").length === number""", arg=number)


def recognize(page, *photos):
    """On the recognise view; waits until every photo has its answer."""
    before = page.locator(".photo").count()
    page.set_input_files("#recognize-file", [str(photo) for photo in photos])
    expect(page.locator(".photo:is([data-state=done], [data-state=failed])")).to_have_count(before + len(photos))


def shows_people(page, names):
    """Waits until the list of people holds these, in this order."""
    expect(page.locator("#people-list .name")).to_have_text(names)


def refusal(status, title, **fields):
    """An answer of the service to a route of the browser, as the api writes it."""
    body = json.dumps({"type": f"/problems/{title.split()[0].lower()}", "title": title, "status": status})
    return {"status": status, "body": body, "content_type": "application/problem+json", "headers": fields}


def in_focus(page):
    """What has the keyboard: its tag and text."""
    return page.evaluate("() => `${document.activeElement.tagName} ${document.activeElement.textContent.trim()}`")


def group_photo(path):
    """Three people on one picture: obama, biden, obama."""
    picture = Image.new("RGB", (1200, 620), (205, 208, 212))
    for place, name in enumerate(("obama", "biden", "obama3")):
        one = Image.open(PHOTOS / f"{name}.jpg").convert("RGB")
        one.thumbnail((400, 620))
        picture.paste(one, (place * 400 + (400 - one.width) // 2, (620 - one.height) // 2))
    picture.save(path, quality=92)
    return path
