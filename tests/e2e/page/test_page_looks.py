"""How the page looks and feels, in every view, light and dark, on a desk and on a phone: names for screen
readers, contrast, keyboard. Leaves screenshots in build/web (VULTUS_SHOTS)."""
import pathlib

import pytest
from page_support import (PHOTOS, SHOTS, browser, expect, group_photo, page, recognize, teach, url,  # noqa: F401
                          view)

CHECKS = (pathlib.Path(__file__).parents[1] / "page_checks.js").read_text()
LOOKS = [("light", 1280, 860), ("dark", 1280, 860), ("light", 375, 812), ("dark", 375, 812)]


def problems(page, where):
    # What moves is judged where it comes to rest.
    page.wait_for_function("() => document.getAnimations().every(one => one.playState !== 'running' || "
                           "one.animationName === 'run-out')")
    return [f"{where}: {one}" for one in page.evaluate(CHECKS)]


def shot(page, name):
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=SHOTS / f"{name}.png")


@pytest.mark.parametrize("scheme,width,height", LOOKS)
def test_every_view_can_be_read_and_used(page, tmp_path, scheme, width, height):
    page.forgiven = ("status of 415",)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    look = f"{scheme}-{'phone' if width < 500 else 'desk'}"
    found = problems(page, "recognise, empty")
    shot(page, f"empty-{look}")
    view(page, "People")
    found += problems(page, "people, empty")
    text = tmp_path / "notes.jpg"
    text.write_text("no photo")
    teach(page, "Joe Biden", PHOTOS / "biden.jpg", text)
    teach(page, "a name that is rather long for a phone, " + "x" * 120, PHOTOS / "obama.jpg")
    found += problems(page, "people")
    shot(page, f"people-{look}")
    page.locator(".person").nth(1).click()
    expect(page.locator("#person-photos .end")).to_have_count(1)
    found += problems(page, "person")
    page.click("#person-delete")
    expect(page.locator(".toast")).to_be_visible()
    found += problems(page, "undo")
    page.get_by_role("button", name="Undo").click()
    page.click("#people-clear")
    found += problems(page, "clear")
    page.keyboard.press("Escape")
    view(page, "Recognise")
    recognize(page, text, group_photo(tmp_path / "group.jpg"))
    found += problems(page, "recognise, refused")
    page.locator(".photo").nth(1).click()
    page.locator(".box[data-status=known]").first.click()
    expect(page.locator(".other")).to_have_count(2)
    found += problems(page, "recognise")
    shot(page, f"recognise-{look}")
    view(page, "Compare")
    found += problems(page, "compare, empty")
    for index, photo in enumerate(("obama", "obama2")):
        page.set_input_files(f"#compare-file-{index}", str(PHOTOS / f"{photo}.jpg"))
    page.click("#compare-go")
    expect(page.locator("#compare-says")).to_have_text("The same person")
    found += problems(page, "compare")
    shot(page, f"compare-{look}")
    view(page, "Live")
    found += problems(page, "live, off")
    shot(page, f"live-{look}")
    view(page, "Jobs")
    expect(page.locator("#jobs-list li").first).to_be_visible()
    found += problems(page, "jobs")
    shot(page, f"jobs-{look}")
    assert found == [], "\n".join(found)


def test_everything_is_reached_by_keyboard_and_the_focus_is_seen(page):
    view(page, "People")
    teach(page, "Joe Biden", PHOTOS / "biden.jpg")
    for name in ("Recognise", "Compare", "People", "Live", "Jobs"):
        view(page, name)
        wanted = page.evaluate("""() => [...document.querySelectorAll("a[href], button, input, select, summary")]
            .filter(e => e.checkVisibility() && !e.disabled && !e.closest("details:not([open]) > :not(summary)"))
            .length""")
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        reached, unseen = set(), []
        for _ in range(wanted + 5):
            page.keyboard.press("Tab")
            at = page.evaluate("""() => {
              const e = document.activeElement, shown = e.closest(".button") ?? e, style = getComputedStyle(shown);
              return [[...document.querySelectorAll("*")].indexOf(e), style.outlineStyle, e.outerHTML.slice(0, 80)];
            }""")
            reached.add(at[0])
            if at[1] == "none" and not at[2].startswith("<body"):
                unseen.append(at[2])
        assert unseen == [], name
        assert len(reached) >= wanted, name


PLANTED = [
    ("<button></button>", "no name"), ("<img src='icon.svg'>", "no alt"), ("<p id='main'>x</p>", "id twice"),
    ("<label for='nothing'>x</label>", "names nothing"), ("<h1>second</h1>", "main headings"),
    ("<h4>deep</h4>", "left out"), ("<ul><p>x</p></ul>", "not of a list"),
    ("<p class='planted-faint'>faint</p>", "contrast of text"),
    ("<input type='text' aria-label='x' class='planted-edge'>", "contrast of an edge"),
    ("<button class='planted-tiny'>x</button>", "small"), ("<p class='planted-wide'>x</p>", "wider"),
]


@pytest.mark.parametrize("html,word", PLANTED)
def test_the_checks_find_what_is_planted(page, html, word):
    assert problems(page, "") == []
    page.evaluate("""html => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`.planted-faint { color: #aaa; } .planted-edge { border-color: #eee !important; }
        .planted-tiny { padding: 0; font-size: 8px; width: 9px; height: 9px; } .planted-wide { width: 9000px; }`);
      document.adoptedStyleSheets = [sheet];
      document.getElementById("view-recognise").insertAdjacentHTML("beforeend", html);
    }""", html)
    found = problems(page, "")
    assert any(word in one for one in found), found
