"""Files that cannot be read, and answers that break off: everything that was not taken is named, and the rest goes on."""
import json
import re

import pytest
from page_support import (PHOTOS, browser, expect, page, recognize, refusal, shows_people, teach, url,  # noqa: F401
                          verdicts_in, view)

# A drop of the folder "family": entries as the browser gives them, with contents of the test's own.
DROP = """async ([where, files]) => {
  const bytes = await (await fetch("given.jpg")).blob();
  const file_of = ([name, kind]) => ({ isFile: true, name, file: (give, fail) => kind === "locked" ?
    fail(new DOMException("", "NotReadableError")) : give(new File([bytes], name, { type: "image/jpeg" })) });
  const folder_of = (name, entries, broken) => ({ isFile: false, name, createReader: () => {
    let left = [entries];
    return { readEntries: (give, fail) => broken ? fail(new DOMException("", "NotReadableError")) :
      give(left.splice(0).flat()) };
  } });
  const folders = Object.entries(files).map(([name, inside]) =>
    folder_of(name, (inside ?? []).map(file_of), inside === null));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "family"));
  DataTransferItem.prototype.webkitGetAsEntry = () => folder_of("family", folders, false);
  document.getElementById(where).dispatchEvent(
    new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def people(page):  # noqa: F811
    page.route("**/given.jpg", lambda route: route.fulfill(path=PHOTOS / "obama.jpg"))
    view(page, "People")
    return page


def rows(page):
    return sorted(re.sub(r"Learned, quality \d+ %$", "Learned", row) for row in
                  page.locator("#teach-verdicts li").all_text_contents())


def test_one_file_that_cannot_be_read_costs_only_itself(people):
    people.evaluate(DROP, ["teach-drop", {"Ada": [["a.jpg", ""], ["b.jpg", "locked"]], "Joe": [["c.jpg", ""]],
                                          "Locked": None, ".thumbnails": [["t.jpg", ""]]}])
    verdicts_in(people, 4)
    assert rows(people) == ["Ada/a.jpgLearned", "Ada/b.jpgThe file cannot be read", "Joe/c.jpgLearned",
                            "family/LockedThe folder cannot be read"]
    expect(people.locator("#teach-progress")).to_have_text("2 learned, 2 refused")
    expect(people.locator("#teach-left-out")).to_have_text("Skipped, 1 hidden file: family/.thumbnails/t.jpg")
    shows_people(people, ["Ada", "Joe"])


def test_a_photo_beside_the_folders_needs_a_name(people, tmp_path):
    people.evaluate("""() => {
      const give = DataTransferItem.prototype.webkitGetAsEntry;
      DataTransferItem.prototype.webkitGetAsEntry = function () { return this.type ? give.call(this) : null; };
    }""")
    people.evaluate("""async () => {
      const bytes = await (await fetch("given.jpg")).blob(), transfer = new DataTransfer();
      const folder = { isFile: false, name: "Ada", createReader: () => { const left = [{ isFile: true, name: "a.jpg",
        file: give => give(new File([bytes], "a.jpg")) }]; return { readEntries: give => give(left.splice(0)) }; } };
      const single = { isFile: true, name: "single.jpg", file: give => give(new File([bytes], "single.jpg")) };
      const entries = [folder, single];
      for (const name of ["a", "b"]) transfer.items.add(new File([bytes], name));
      DataTransferItem.prototype.webkitGetAsEntry = () => entries.shift();
      document.getElementById("teach-drop").dispatchEvent(
        new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }""")
    verdicts_in(people, 2)
    assert rows(people) == ["Ada/a.jpgLearned", "single.jpgNot in a folder, and no name given"]


def test_a_drop_without_files_is_answered(people):
    people.evaluate("""() => { const transfer = new DataTransfer(); transfer.setData("text/plain", "a link");
      for (const where of ["teach-drop", "recognize-drop"]) document.getElementById(where).dispatchEvent(
        new DragEvent("drop", { dataTransfer: transfer, bubbles: true })); }""")
    expect(people.locator("#teach-error")).to_have_text("No files")
    view(people, "Recognise")
    expect(people.locator("#recognize-left-out")).to_have_text("No files")


def test_recognize_names_what_it_cannot_read(people):
    view(people, "Recognise")
    people.evaluate(DROP, ["recognize-drop", {"a": [["a.jpg", ""], ["b.jpg", "locked"], [".c.jpg", ""]]}])
    expect(people.locator(".photo[data-state=done]")).to_have_count(1)
    expect(people.locator(".photo[data-state=failed]")).to_contain_text("The file cannot be read")
    expect(people.locator("#recognize-left-out")).to_contain_text("family/a/.c.jpg")


def test_a_file_that_went_away_since_it_was_chosen_is_named(people):
    people.evaluate("""() => { const read = File.prototype.arrayBuffer;
      File.prototype.arrayBuffer = function () { return this.name === "biden.jpg" ?
        Promise.reject(new DOMException("", "NotReadableError")) : read.call(this); }; }""")
    teach(people, "x", PHOTOS / "obama.jpg", PHOTOS / "biden.jpg")
    assert rows(people) == ["biden.jpgThe file cannot be read", "obama.jpgLearned"]


@pytest.mark.parametrize("broken", ["cut in its text", "cut on the way", "an error of the service"])
def test_an_answer_that_breaks_off_ends_nothing(people, broken):
    people.forgiven = ("status of 500",)
    keys = []

    def break_off(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1 or broken == "cut on the way":
            return route.continue_()
        if broken == "an error of the service":
            return route.fulfill(**refusal(500, "Something went wrong here"))
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text()[:20])
    people.route("**/api/train*", break_off)
    if broken == "cut on the way":
        people.evaluate("""() => { const text = Response.prototype.text; let first = true;
          Response.prototype.text = function () { if (!first || !this.url.includes("/api/train")) return text.call(this);
            first = false; return Promise.reject(new TypeError("network error")); }; }""")
    teach(people, "x", PHOTOS / "obama.jpg", PHOTOS / "obama2.jpg", PHOTOS / "obama3.jpg")
    expect(people.locator("#teach-progress")).to_have_text("3 learned")
    assert len(keys) == 4 and len(set(keys)) == 3, "sent again under its key"
    expect(people.locator(".person")).to_contain_text("3 photos")


def test_a_folder_stops_where_nothing_more_is_allowed(people):
    people.forgiven = ("status of 403",)
    people.route("**/api/train*", lambda route: route.fulfill(**refusal(403, "This needs a key with the scope train")))
    files = [PHOTOS / "obama.jpg"] * 9
    people.fill("#teach-name", "x")
    people.set_input_files("#teach-files", [str(one) for one in files])
    expect(people.locator("#teach-progress")).to_contain_text("not sent. This needs a key with the scope train")
    refused = people.locator("#teach-verdicts li .says", has_text="This needs").count()
    not_sent = people.locator("#teach-verdicts li .says", has_text="Not sent").count()
    assert refused + not_sent == 9 and refused <= 4
    expect(people.locator("#teach-progress")).to_contain_text(f"0 learned, {refused} refused, {not_sent} not sent")


def test_a_quota_is_waited_for_as_long_as_it_says(people):
    people.forgiven = ("status of 429",)
    people.clock.install()
    asked = []

    def refuse(route):
        asked.append(people.evaluate("Date.now()"))
        if len(asked) == 1:
            return route.fulfill(**refusal(429, "The quota of this key is used up", **{"Retry-After": "40"}))
        route.continue_()
    people.route("**/api/train*", lambda route: refuse(route))
    people.fill("#teach-name", "x")
    people.set_input_files("#teach-files", str(PHOTOS / "obama.jpg"))
    expect(people.locator("#teach-verdicts li")).to_contain_text("The quota of this key is used up; trying again")
    people.clock.run_for(45_000)
    people.clock.resume()
    verdicts_in(people, 1)
    assert len(asked) == 2 and asked[1] - asked[0] >= 40_000, "by the page's clock"


def test_a_job_that_is_not_cancelled_says_so(people):
    people.forgiven = ("status of 503",)
    people.route("**/api/jobs/*", lambda route: route.fulfill(**refusal(503, "Database unavailable"))
                 if route.request.method == "DELETE" else route.continue_())

    def one_more(route):
        answer = route.fetch()
        jobs = answer.json()
        jobs["jobs"].insert(0, {"id": "j", "type": "recognize", "state": "pending", "collection": "default",
                                "created_at": "2026-01-01T00:00:00Z", "links": {"self": "/api/jobs/j"}})
        route.fulfill(response=answer, body=json.dumps(jobs))
    people.route("**/api/jobs?*", one_more)
    view(people, "Jobs")
    people.get_by_role("button", name="Cancel: Recognise").first.click()
    expect(people.locator("#jobs-error")).to_contain_text("Database unavailable")
    with people.expect_response("**/api/status"):
        pass
    expect(people.locator("#jobs-error")).to_be_visible()
