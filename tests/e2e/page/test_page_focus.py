"""The keyboard stays where somebody is, whatever is drawn anew, hidden or taken away; so does what is half typed."""
import pytest
from page_support import (PHOTOS, browser, expect, group_photo, in_focus, page, recognize, refusal, shows_people,  # noqa: F401
                          teach, url, view)

# Says of every frame that was drawn whether the keyboard was nowhere.
WATCH = """() => {
  window.lost = 0;
  const look = () => { if (document.activeElement === document.body) window.lost += 1; requestAnimationFrame(look); };
  let first = requestAnimationFrame(() => requestAnimationFrame(look));
}"""


@pytest.fixture
def people(page):  # noqa: F811
    view(page, "People")
    for name, photo in (("ada", "obama"), ("biden", "biden"), ("carl", "obama2")):
        teach(page, name, PHOTOS / f"{photo}.jpg")
    shows_people(page, ["ada", "biden", "carl"])
    return page


def card(page, name):
    return page.locator(".person", has_text=name)


def test_the_list_of_people_keeps_the_keyboard_where_it_is(people):
    card(people, "biden").focus()
    before = people.evaluate_handle("document.activeElement")
    people.evaluate("dispatchEvent(new StorageEvent('storage', { key: 'vultus-change:x', newValue: null }))")
    with people.expect_response("**/api/faces?*"):
        people.evaluate("dispatchEvent(new StorageEvent('storage', { key: 'vultus-change:x', newValue: null }))")
    expect(card(people, "biden")).to_be_focused()
    assert people.evaluate("one => one === document.activeElement", before), "what looks the same stays as it is"


def test_a_deletion_by_keyboard_leaves_the_keyboard_in_the_list(people):
    card(people, "biden").focus()
    people.keyboard.press("Enter")
    people.locator("#person-delete").focus()
    people.keyboard.press("Enter")
    expect(card(people, "biden")).to_be_focused()
    people.evaluate(WATCH)
    expect(card(people, "biden")).to_have_count(0)
    expect(card(people, "carl")).to_be_focused()
    assert people.evaluate("window.lost") == 0


@pytest.mark.parametrize("ends", ["undone", "by itself"])
def test_a_notice_that_goes_hands_the_keyboard_back(people, ends):
    card(people, "biden").focus()
    people.keyboard.press("Enter")
    people.locator("#person-delete").focus()
    people.keyboard.press("Enter")
    people.clock.install()
    people.get_by_role("button", name="Undo").focus()
    if ends == "undone":
        people.keyboard.press("Enter")
    else:
        people.clock.run_for(40_000)
    expect(people.locator(".toast")).to_have_count(0)
    assert not in_focus(people).startswith("BODY")
    people.clock.resume()


def test_a_rename_takes_the_keyboard_along(people):
    card(people, "biden").focus()
    people.keyboard.press("Enter")
    people.fill("#person-name", "joe")
    people.evaluate(WATCH)
    people.keyboard.press("Enter")
    shows_people(people, ["ada", "carl", "joe"])
    expect(people.locator(".toast")).to_have_count(0)
    expect(people.locator(".person[data-waits]")).to_have_count(0)
    assert people.evaluate("window.lost") == 0


def test_faces_that_are_looked_for_again_keep_the_keyboard(page, tmp_path):
    recognize(page, group_photo(tmp_path / "group.jpg"))
    page.locator(".box").first.focus()
    page.evaluate(WATCH)
    page.keyboard.press("Enter")
    page.fill("#face-name", "half a na")
    page.locator("#stage-again").focus()
    with page.expect_response("**/api/recognize?*durable=false*"):
        page.keyboard.press("Enter")
    expect(page.locator(".photo[data-state=done]")).to_have_count(1)
    expect(page.locator("#face-name")).to_have_value("half a na")
    page.locator("#face-name").focus()
    page.fill("#face-name", "Barack")
    page.locator("#face-teach").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#face-verdict")).to_have_text("Learned: this is Barack.")
    expect(page.locator(".photo[data-state=done]")).to_have_count(1)
    expect(page.locator(".box[data-status=known]").first).to_be_visible()
    assert page.evaluate("window.lost") == 0


def test_stop_hands_the_keyboard_to_the_progress(people):
    people.route("**/api/train*", lambda route: route.fulfill(**refusal(503, "Database unavailable")))
    people.forgiven = ("status of 503",)
    people.fill("#teach-name", "x")
    people.set_input_files("#teach-files", [str(PHOTOS / "obama.jpg")] * 6)
    people.evaluate(WATCH)
    people.locator("#teach-stop").focus()
    people.fill("#teach-name", "y")  # half typed
    people.locator("#teach-stop").focus()
    people.keyboard.press("Enter")
    expect(people.locator("#teach-progress")).to_be_focused()
    expect(people.locator("#teach-progress")).to_contain_text("0 learned")
    expect(people.locator("#teach-name")).to_have_value("y")
    assert people.evaluate("window.lost") == 0


def test_a_finished_folder_leaves_a_name_that_is_being_typed(people):
    def slow(route):
        people.fill("#teach-name", "the next o")
        route.continue_()
    people.route("**/api/train*", slow)
    people.fill("#teach-name", "x")
    people.set_input_files("#teach-files", str(PHOTOS / "obama.jpg"))
    expect(people.locator("#teach-progress")).to_have_text("1 learned")
    expect(people.locator("#teach-name")).to_have_value("the next o")


def test_a_comparison_that_failed_is_not_a_person_without_likeness(page):
    page.forgiven = ("status of 503",)
    recognize(page, PHOTOS / "obama.jpg")
    page.route("**/api/recognize?*durable=false*", lambda route: route.fulfill(**refusal(503, "All workers are busy")))
    page.locator(".box").click()
    expect(page.locator("#face-others")).to_contain_text("Comparison failed: All workers are busy")
    expect(page.locator("#face-others")).not_to_contain_text("No similar person")
