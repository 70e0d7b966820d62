"""Changes of people that the service has not done yet: kept over closed tabs and log-outs, sent in their order, and
nothing is said to have happened before the service said so."""
import re

import pytest
from page_support import (PHOTOS, browser, expect, in_focus, let_pass, page, refusal, shows_people, teach,  # noqa: F401
                          url, view)

UNDO = 6  # seconds; five, and a little more
AWAY = refusal(503, "Database unavailable", **{"Retry-After": "1"})
FORBIDDEN = refusal(403, "This needs a key with the scope admin")


@pytest.fixture
def people(page):  # noqa: F811
    page.forgiven = ("status of 503", "status of 403")
    view(page, "People")
    teach(page, "biden", PHOTOS / "biden.jpg")
    shows_people(page, ["biden"])
    page.clock.install()
    return page


def changes_of(target):
    """What changes something, as it is sent from now on: (method, path, key)."""
    seen = []
    target.on("request", lambda r: seen.append((r.method, re.sub(r".*/api/(\w+).*", r"\1", r.url),
                                                r.headers.get("idempotency-key")))
              if r.method in ("POST", "DELETE") else None)
    return seen


def delete(page, name):
    page.locator(".person", has_text=name).click()
    expect(page.locator("#person-title")).to_have_text(name)
    page.click("#person-delete")
    expect(page.locator(".toast")).to_contain_text(f"In a moment: {name} is deleted")


def test_a_refusal_is_shown_until_somebody_has_read_it(people):
    people.route("**/api/faces?*label=*", lambda route: route.fulfill(**FORBIDDEN))
    delete(people, "biden")
    expect(people.locator(".person")).to_contain_text("to be deleted")
    let_pass(people, UNDO)
    error = people.locator("#people-error")
    expect(error).to_contain_text("Not done: Delete biden. This needs a key")
    shows_people(people, ["biden"])
    people.fill("#people-find", "b")  # drawn anew
    expect(error).to_be_visible()
    people.reload()
    expect(error).to_contain_text("Not done: Delete biden")
    people.get_by_role("button", name="Dismiss").click()
    expect(error).to_be_hidden()
    expect(people.locator(".toast")).to_have_count(0)
    people.reload()
    shows_people(people, ["biden"])
    expect(error).to_be_hidden()


def test_while_the_service_is_away_the_person_is_there_and_the_change_is_not_done(people):
    people.route("**/api/faces?*label=*", lambda route: route.fulfill(**AWAY))
    delete(people, "biden")
    let_pass(people, UNDO)
    expect(people.locator(".toast")).to_contain_text(
        "Not sent yet: Delete biden. Database unavailable; trying again")
    expect(people.locator(".person")).to_contain_text("being deleted")
    people.unroute("**/api/faces?*label=*")
    expect(people.locator("#people-empty")).to_be_visible()
    expect(people.locator(".toast")).to_have_count(0)


@pytest.mark.parametrize("leaves", ["in its five seconds", "between two tries"])
def test_a_closed_tab_loses_no_deletion(people, url, leaves):  # noqa: F811
    context, seen = people.context, changes_of(people.context)
    context.route("**/api/faces?*label=*", lambda route: route.fulfill(**AWAY))
    delete(people, "biden")
    if leaves == "between two tries":
        let_pass(people, UNDO)
        expect(people.locator(".toast")).to_contain_text("Not sent yet")
    next_tab = context.new_page()
    people.close()
    context.unroute("**/api/faces?*label=*")
    next_tab.goto(f"{url}/?collection={people.collection}#people")
    expect(next_tab.locator(".toast")).to_contain_text("Done now: Delete biden")
    expect(next_tab.locator("#people-empty")).to_be_visible()
    keys = {key for method, _, key in seen if method == "DELETE"}
    assert len(keys) == 1 and None not in keys, "one change, under one key"
    assert next_tab.evaluate("Object.keys(localStorage)") == []


def test_a_tab_that_stays_sends_what_a_closed_one_left(people, url):  # noqa: F811
    other = people.context.new_page()
    other.goto(f"{url}/?collection={people.collection}#people")
    shows_people(other, ["biden"])
    people.route("**/api/faces?*label=*", lambda route: route.fulfill(**AWAY))
    delete(people, "biden")
    expect(other.locator(".person")).to_contain_text("deleted")
    let_pass(people, UNDO)
    expect(people.locator(".toast")).to_contain_text("Not sent yet")
    people.close()
    let_pass(other, 16)  # until the tab that tried before counts as gone
    expect(other.locator("#people-empty")).to_be_visible()


def test_what_was_taken_back_in_one_tab_is_sent_by_none(people, url):  # noqa: F811
    seen = changes_of(people.context)
    other = people.context.new_page()
    other.goto(f"{url}/?collection={people.collection}#people")
    delete(people, "biden")
    expect(other.locator(".person")).to_contain_text("to be deleted")
    people.get_by_role("button", name="Undo").click()
    for tab in (people, other):
        shows_people(tab, ["biden"])
        expect(tab.locator(".person[data-waits]")).to_have_count(0)
    assert seen == []
    assert not in_focus(people).startswith("BODY")


def test_teaching_somebody_first_sends_her_deletion(people):
    seen = changes_of(people)
    delete(people, "biden")
    teach(people, "biden", PHOTOS / "biden.jpg", PHOTOS / "biden.jpg")
    assert [(method, path) for method, path, _ in seen] == [("DELETE", "faces"), ("POST", "train"), ("POST", "train")]
    shows_people(people, ["biden"])
    expect(people.locator(".person")).to_contain_text("1 photo")
    expect(people.locator(".toast")).to_have_count(0)


def test_teaching_a_face_waits_for_the_deletion_of_its_person(people):
    delete(people, "biden")
    seen = changes_of(people)
    view(people, "Recognise")
    people.set_input_files("#recognize-file", str(PHOTOS / "obama.jpg"))
    people.locator(".box").click()
    people.fill("#face-name", " biden ")
    people.keyboard.press("Enter")
    expect(people.locator("#face-verdict")).to_have_text("Learned: this is biden.")
    assert [(method, path) for method, path, _ in seen if path != "recognize"] == [("DELETE", "faces"),
                                                                                    ("POST", "train")]
    view(people, "People")
    expect(people.locator(".person")).to_contain_text("1 photo")


def test_a_notice_under_the_pointer_ends_all_the_same(people):
    seen = changes_of(people)
    delete(people, "biden")
    people.locator(".toast p").hover()
    people.clock.run_for(20_000)
    assert seen == [] and people.locator(".toast").count() == 1, "it stands still for somebody who reads it"
    people.clock.run_for(20_000)
    people.clock.resume()
    expect(people.locator("#people-empty")).to_be_visible()
    assert [method for method, *_ in seen] == ["DELETE"]


def test_an_hour_later_somebody_is_asked_first(people):
    people.route("**/api/faces?*label=*", lambda route: route.fulfill(**AWAY))
    delete(people, "biden")
    let_pass(people, UNDO)
    expect(people.locator(".toast")).to_contain_text("Not sent yet")
    people.evaluate("""() => { for (const [key, text] of Object.entries(localStorage)) {
        localStorage[key] = JSON.stringify({ ...JSON.parse(text), at: Date.now() - 3_700_000 }); } }""")
    seen = changes_of(people)
    people.reload()
    expect(people.locator(".toast")).to_contain_text("Not sent since")
    assert seen == []
    people.unroute("**/api/faces?*label=*")
    people.get_by_role("button", name="Send now").click()
    expect(people.locator("#people-empty")).to_be_visible()


def test_clear_says_when_it_has_to_wait(people):
    people.route("**/api/clear*", lambda route: route.fulfill(**AWAY))
    people.click("#people-clear")
    people.fill("#confirm-word", people.collection)
    people.keyboard.press("Enter")
    expect(people.locator(".toast")).to_contain_text("Not sent yet: Clear everyone")
    expect(people.locator(".person")).to_contain_text("being deleted")
    people.unroute("**/api/clear*")
    expect(people.locator("#people-empty")).to_be_visible()
