"""The people view: teach, also whole folders; rename, merge, delete with undo, clear."""
import re
import shutil

import pytest
from page_support import PHOTOS, browser, expect, let_pass, page, shows_people, teach, url, verdicts_in, view  # noqa: F401


@pytest.fixture
def people(page):
    view(page, "People")
    page.clock.install()
    return page


def asked(page, kinds=("POST", "DELETE")):
    """Requests that change something, as they are sent from now on."""
    seen = []
    page.on("request", lambda r: seen.append((r.method, re.sub(r".*(/api/\w+).*", r"\1", r.url)))
            if r.method in kinds else None)
    return seen


def open_person(page, name):
    page.locator(".person", has_text=name).click()
    expect(page.locator("#person-title")).to_have_text(name)


def sent(page):
    """No change waits for its undo any more, and the list is the service's own."""
    let_pass(page, 6)
    expect(page.locator(".toast")).to_have_count(0)
    expect(page.locator(".person[data-waits]")).to_have_count(0)


def test_teach_gives_each_photo_its_verdict(people, tmp_path):
    people.forgiven = ("status of 415",)
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    expect(people.locator("#people-empty")).to_contain_text("Type a name and drop a photo")
    people.set_input_files("#teach-files", str(PHOTOS / "obama.jpg"))
    expect(people.locator("#teach-error")).to_contain_text("Type the person's name first")
    expect(people.locator("#teach-name")).to_be_focused()
    teach(people, "obama", text, PHOTOS / "obama.jpg", PHOTOS / "obama3.jpg")
    states = [row.get_attribute("data-state") for row in people.locator("#teach-verdicts li").all()]
    assert states == ["refused", "accepted", "accepted"]
    expect(people.locator("#teach-progress")).to_have_text("2 learned, 1 refused")
    expect(people.locator(".person")).to_contain_text("2 photos")
    expect(people.locator("#people-empty")).to_be_hidden()


def test_a_folder_teaches_many_people(people, tmp_path):
    for person, photo in (("Barack", "obama"), ("Barack", "obama2"), ("Joe", "biden")):
        folder = tmp_path / "family" / person
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(PHOTOS / f"{photo}.jpg", folder)
    (tmp_path / "family/Joe/.hidden").write_text("of the file manager")
    people.set_input_files("#teach-folder", str(tmp_path / "family"))
    verdicts_in(people, 3)
    rows = sorted(re.sub(r"Learned, quality \d+ %$", "Learned", row) for row in
                  people.locator("#teach-verdicts li").all_text_contents())
    assert rows == ["Barack/obama.jpgLearned", "Barack/obama2.jpgLearned", "Joe/biden.jpgLearned"]
    expect(people.locator(".person")).to_have_count(2)
    shows_people(people, ["Barack", "Joe"])


def test_rename_and_merge_are_sent_after_five_seconds(people):
    teach(people, "barak", PHOTOS / "obama.jpg")
    teach(people, "obama", PHOTOS / "obama3.jpg")
    seen = asked(people)
    open_person(people, "barak")
    people.fill("#person-name", "Barack Obama")
    people.keyboard.press("Enter")
    expect(people.locator(".toast")).to_contain_text("barak is now Barack Obama")
    shows_people(people, ["Barack Obama", "obama"])
    assert seen == []
    people.get_by_role("button", name="Undo").click()
    shows_people(people, ["barak", "obama"])
    open_person(people, "barak")
    people.fill("#person-name", "obama")
    people.keyboard.press("Enter")
    expect(people.locator("#person-error")).to_contain_text("obama already exists")
    expect(people.locator("#person-other")).to_have_value("obama")
    people.keyboard.press("Enter")
    expect(people.locator(".toast")).to_contain_text("barak is merged with obama")
    shows_people(people, ["obama"])
    sent(people)
    assert seen == [("POST", "/api/merge")]
    expect(people.locator(".person")).to_contain_text("2 photos")
    open_person(people, "obama")
    people.fill("#person-name", "Barack Obama")
    people.click("#person-rename button")
    sent(people)
    assert seen[1:] == [("POST", "/api/rename")]
    people.reload()
    expect(people.locator(".person")).to_contain_text("Barack Obama")


def test_delete_can_be_taken_back_for_five_seconds(people):
    teach(people, "obama", PHOTOS / "obama.jpg", PHOTOS / "obama3.jpg")
    teach(people, "biden", PHOTOS / "biden.jpg")
    seen = asked(people)
    open_person(people, "biden")
    people.click("#person-delete")
    shows_people(people, ["obama"])
    people.keyboard.press("Control+z")
    shows_people(people, ["biden", "obama"])
    assert seen == []
    open_person(people, "obama")
    expect(people.locator("#person-photos li")).to_have_count(2)
    people.get_by_role("button", name="Delete photo 1 of 2").click()
    sent(people)
    assert seen == [("DELETE", "/api/faces")]
    expect(people.locator(".person", has_text="obama")).to_contain_text("1 photo")
    open_person(people, "biden")
    people.click("#person-delete")
    # The clock of a notice stands still while somebody is on it.
    people.get_by_role("button", name="Undo").focus()
    let_pass(people, 20)
    expect(people.locator(".toast")).to_have_count(1)
    people.locator("#people-find").focus()
    sent(people)
    people.reload()
    expect(people.locator(".person")).to_have_count(1)
    shows_people(people, ["obama"])


def test_who_leaves_the_page_meant_it(people, url):
    teach(people, "biden", PHOTOS / "biden.jpg")
    open_person(people, "biden")
    people.click("#person-delete")
    expect(people.locator(".toast")).to_be_visible()
    people.goto("about:blank")
    people.goto(f"{url}/?collection={people.collection}#people")
    expect(people.locator("#people-empty")).to_be_visible()


def test_clear_needs_a_typed_word(people):
    teach(people, "biden", PHOTOS / "biden.jpg")
    expect(people.locator(".person")).to_have_count(1)
    seen = asked(people)
    people.focus("#people-clear")
    people.keyboard.press("Enter")
    expect(people.locator("#confirm-word")).to_be_focused()
    expect(people.locator("#confirm-yes")).to_be_disabled()
    people.keyboard.press("Enter")
    people.keyboard.type("page-")
    expect(people.locator("#confirm-yes")).to_be_disabled()
    people.keyboard.press("Escape")
    expect(people.locator("#confirm")).to_be_hidden()
    shows_people(people, ["biden"])
    assert seen == []
    people.click("#people-clear")
    people.fill("#confirm-word", people.collection)
    people.keyboard.press("Enter")
    expect(people.locator("#people-empty")).to_be_visible()
    assert seen == [("POST", "/api/clear")]


def test_find_a_person(people):
    for name in ("Ada", "Alan"):
        teach(people, name, PHOTOS / "obama.jpg")
    expect(people.locator(".person")).to_have_count(2)
    people.fill("#people-find", "al")
    shows_people(people, ["Alan"])
    people.fill("#people-find", "zz")
    expect(people.locator("#people-none")).to_be_visible()


def test_namesakes_are_told_apart_also_where_only_one_of_them_is_loaded(people, url):
    photo = (PHOTOS / "obama.jpg").read_bytes()
    for person in ("hr/1", "hr/2"):
        form = {"name": "Sam", "person_id": person, "collection": people.collection}
        files = {"file": {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo}}
        done = people.request.post(f"{url}/api/train", multipart={**form, **files}, headers={"Prefer": "wait=30"})
        assert done.status == 200, done.text()
        photo = (PHOTOS / "biden.jpg").read_bytes()
    people.route("**/api/faces?*", lambda route: route.continue_(url=route.request.url.replace("page_size=500", "page_size=1")))
    people.reload()
    shows_people(people, ["Sam (hr/1)"])
    expect(people.locator("#people-more")).to_be_visible()
    view(people, "Recognise")
    people.set_input_files("#recognize-file", str(PHOTOS / "biden.jpg"))
    expect(people.locator(".photo .says")).to_have_text("Sam (hr/2)")
    people.locator(".box").click()
    expect(people.locator("#face-title")).to_have_text("Sam (hr/2)")
    people.locator(".other").first.click()
    with people.expect_request(lambda r: "/api/train" in r.url) as sent_train:
        people.keyboard.press("Enter")
    assert 'name="person_id"\r\n\r\nhr/2' in sent_train.value.post_data_buffer.decode("latin1")
    expect(people.locator("#face-verdict")).to_contain_text("Learned")
    view(people, "Compare")
    people.set_input_files("#compare-file-0", str(PHOTOS / "biden.jpg"))
    people.fill("#compare-person", "Sam (hr/2)")
    people.click("#compare-go")
    expect(people.locator("#compare-says")).to_have_text("The same person: Sam (hr/2)")
