"""The people view of a service that keeps pictures of faces."""
import pytest
from conftest import running
from page_support import PHOTOS, SHOTS, browser, expect, let_pass, page, shows_people, teach, url, view  # noqa: F401


@pytest.fixture(scope="module")
def shared_service():
    with running(settings=("worker.keep_pictures=true",)) as one:
        yield one


@pytest.fixture
def people(page):
    view(page, "People")
    page.asked = []
    page.on("request", lambda r: page.asked.append(r.url) if r.url.split("?")[0].endswith("/picture") else None)
    return page


def loaded(page, where, number):
    """Waits until so many pictures of faces are there, whole."""
    page.wait_for_function("""([where, number]) => {
        const all = [...document.querySelectorAll(where)];
        return all.length === number && all.every(one => one.complete && one.naturalWidth > 60);
    }""", arg=[where, number])


def alts(page, where):
    return [one.get_attribute("alt") for one in page.locator(where).all()]


def test_people_have_faces(people):
    teach(people, "a/b ü", PHOTOS / "obama.jpg", PHOTOS / "obama3.jpg")
    teach(people, "joe", PHOTOS / "biden.jpg")
    loaded(people, "#people-list img", 2)
    assert alts(people, "#people-list img") == ["Face of a/b ü", "Face of joe"]
    people.screenshot(path=SHOTS / "people-pictures.png")
    asked = len(people.asked)
    people.fill("#people-find", "jo")
    expect(people.locator(".person")).to_have_count(1)
    people.fill("#people-find", "")
    loaded(people, "#people-list img", 2)
    assert len(people.asked) == asked, "a picture is asked for once"
    people.reload()
    loaded(people, "#people-list img", 2)
    assert len(people.asked) == asked + 2, "and in the next visit again: it may be gone"
    people.locator(".person", has_text="a/b ü").click()
    loaded(people, "#person-photos img", 2)
    assert alts(people, "#person-photos img") == ["Photo 1 of a/b ü", "Photo 2 of a/b ü"]
    people.screenshot(path=SHOTS / "person-pictures.png")
    people.clock.install()
    people.fill("#person-name", "Barack")
    people.keyboard.press("Enter")
    shows_people(people, ["Barack", "joe"])
    loaded(people, "#people-list img", 2)
    let_pass(people, 6)
    expect(people.locator(".toast")).to_have_count(0)
    expect(people.locator(".person[data-waits]")).to_have_count(0)
    loaded(people, "#people-list img", 2)
    assert alts(people, "#people-list img") == ["Face of Barack", "Face of joe"]
    people.locator(".person", has_text="joe").click()
    people.click("#person-delete")
    let_pass(people, 6)
    expect(people.locator(".toast")).to_have_count(0)
    expect(people.locator(".person[data-waits]")).to_have_count(0)
    loaded(people, "#people-list img", 1)


def test_initials_stand_where_a_picture_cannot_be_had(people):
    people.forgiven = ("Failed to load resource",)
    people.route("**/picture?*", lambda route: route.abort())
    teach(people, "joe biden", PHOTOS / "biden.jpg")
    expect(people.locator("#people-list .avatar")).to_have_text("JB")
    expect(people.locator("#people-list img")).to_have_count(0)
    people.locator(".person").click()
    expect(people.locator("#person-photos li")).to_contain_text("Photo 1")
    expect(people.locator("#person-photos img")).to_have_count(0)
    assert people.asked
