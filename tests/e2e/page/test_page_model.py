"""Another network for a collection, from the page."""
import pytest
from conftest import running
from page_support import PHOTOS, SHOTS, browser, expect, page, refusal, shows_people, teach, url, view  # noqa: F401

FIRST, OTHER = "dlib_resnet_v1/mirror_unit", "dlib_resnet_v1/unit"


@pytest.fixture(scope="module")
def shared_service():
    with running() as one:
        yield one


@pytest.fixture
def people(page):
    view(page, "People")
    return page


def keep_pictures(page):
    with page.expect_response("**/pictures"):
        page.locator("#pictures-keep").check()


def model(page, url):
    return page.context.request.get(f"{url}/api/collections/{page.collection}/model").json()


def test_everybody_moves(people, url):
    keep_pictures(people)
    teach(people, "Barack", PHOTOS / "obama.jpg")
    teach(people, "Joe", PHOTOS / "biden.jpg")
    people.click("#model-open")
    expect(people.locator("#model-now")).to_contain_text(f"uses {FIRST}. Its 2 faces")
    assert FIRST not in people.locator("#model-to option").all_text_contents()
    expect(people.locator("#model-loses")).to_be_hidden()
    people.select_option("#model-to", OTHER)
    people.screenshot(path=SHOTS / "model.png")
    people.click("#model-start")
    expect(people.locator("#model-now")).to_have_text(f"Done: 2 faces moved to {OTHER}.")
    assert model(people, url)["embedding_model"] == OTHER
    options = people.locator("#model-to option").all_text_contents()
    assert OTHER not in options and FIRST in options, "the way back"
    expect(people.locator("#model-report")).to_be_hidden()
    people.click("#model-close")
    expect(people.locator("#model-open")).to_be_focused()
    shows_people(people, ["Barack", "Joe"])


def test_who_cannot_move_is_listed_first(people, url):
    teach(people, "Ghost", PHOTOS / "obama.jpg")
    keep_pictures(people)
    teach(people, "Joe", PHOTOS / "biden.jpg")
    people.click("#model-open")
    expect(people.locator("#model-loses-text")).to_contain_text("1 of 2 faces have no picture")
    expect(people.locator("#model-people li")).to_have_text(["Ghost"])
    expect(people.locator("#model-start")).to_be_disabled()
    before = model(people, url)
    people.click("#model-close")
    assert model(people, url) == before
    people.click("#model-open")
    people.select_option("#model-to", OTHER)
    people.check("#model-forget")
    people.click("#model-start")
    expect(people.locator("#model-now")).to_have_text(f"Done: 1 face moved to {OTHER}, 1 removed.")
    expect(people.locator("#model-loses")).to_be_hidden()
    people.click("#model-close")
    shows_people(people, ["Joe"])


def test_nobody_is_taught(people):
    people.forgiven = ("Failed to load resource",)
    people.click("#model-open")
    expect(people.locator("#model-error")).to_contain_text("Nobody is taught yet")
    expect(people.locator("#model-start")).to_be_disabled()


def test_a_refusal_is_shown_and_can_be_tried_again(people, url):
    people.forgiven = ("Failed to load resource",)
    keep_pictures(people)
    teach(people, "Joe", PHOTOS / "biden.jpg")
    people.click("#model-open")
    people.select_option("#model-to", OTHER)
    people.route("**/model", lambda route: route.fulfill(**refusal(409, "Wrong state")) if route.request.method == "POST" else route.continue_())
    people.click("#model-start")
    expect(people.locator("#model-error")).to_contain_text("Wrong state")
    assert model(people, url)["embedding_model"] == FIRST
    people.unroute("**/model")
    expect(people.locator("#model-start")).to_be_enabled()
    people.click("#model-start")
    expect(people.locator("#model-now")).to_contain_text("Done: 1 face moved")
    expect(people.locator("#model-error")).to_be_hidden()


def test_the_progress_in_plain_words(people):
    keep_pictures(people)
    teach(people, "Joe", PHOTOS / "biden.jpg")
    people.click("#model-open")
    people.select_option("#model-to", OTHER)
    job = {"id": "1", "type": "reembed", "state": "running", "collection": people.collection, "attempt": 1,
           "created_at": "2026-01-01T00:00:00Z", "progress": {"faces": 30, "of": 120}, "links": {"self": "/api/jobs/1"}}
    ended = {**job, "state": "failed", "error": {"code": "wrong_state", "detail": "Collection was cleared or deleted in the meantime"}}
    seen = []

    def answer(route):
        seen.append(route.request.url)
        route.fulfill(json=job if len(seen) < 4 else ended)
    people.route("**/api/jobs/1*", answer)
    people.route("**/model", lambda route: route.fulfill(status=202, json=job) if route.request.method == "POST" else route.continue_())
    people.click("#model-start")
    expect(people.locator("#model-progress")).to_have_text("30 of 120 faces moved")
    assert people.locator("#model-bar").evaluate("bar => bar.value / bar.max") == 0.25
    expect(people.locator("#model-error")).to_contain_text("cleared or deleted")
    expect(people.locator("#model-start")).to_be_enabled()
