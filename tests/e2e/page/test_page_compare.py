"""The compare view: two photos, or a photo and a person; which faces decided, and what bad input is told."""
import pytest
from page_support import PHOTOS, SHOTS, browser, expect, group_photo, page, teach, url, view  # noqa: F401
from PIL import Image


@pytest.fixture
def compare(page):  # noqa: F811
    view(page, "Compare")
    return page


def choose(page, *photos):  # noqa: F811
    for index, photo in enumerate(photos):
        page.set_input_files(f"#compare-file-{index}", str(photo))
        expect(page.locator("#compare-sides img").nth(index)).to_be_visible()


def numbers(page):  # noqa: F811
    return dict(zip(page.locator("#compare-numbers dt").all_text_contents(),
                    page.locator("#compare-numbers dd").all_text_contents()))


def boxes(page, side):  # noqa: F811
    return page.locator("#compare-sides .card").nth(side).locator(".box")


def test_two_photos_of_one_person_and_of_two(compare):
    choose(compare, PHOTOS / "obama.jpg", PHOTOS / "obama2.jpg")
    seen = []
    compare.on("request", lambda r: seen.append(r.url) if r.method == "POST" else None)
    compare.click("#compare-go")
    expect(compare.locator("#compare-says")).to_have_text("The same person")
    told = numbers(compare)
    assert float(told["similarity (the same from 0.5)"]) > 0.5 and told["compared"] == "1 pair of faces"
    assert float(told["distance (the same up to 0.38)"]) < 0.38 and told["different people taken for the same"] == "0.1 %"
    for side in (0, 1):
        expect(boxes(compare, side)).to_have_attribute("data-status", "known")
    assert all("/api/verify?" in one and "durable=false" in one for one in seen) and len(seen) == 1
    compare.screenshot(path=SHOTS / "compare.png")
    choose(compare, PHOTOS / "biden.jpg")
    expect(compare.locator("#compare-result")).to_be_hidden()
    expect(boxes(compare, 1)).to_have_count(0)
    compare.click("#compare-go")
    expect(compare.locator("#compare-says")).to_have_text("Not the same person")
    expect(boxes(compare, 0)).to_have_attribute("data-status", "ambiguous")


def test_the_nearest_faces_of_a_group_decide(compare, tmp_path):
    choose(compare, group_photo(tmp_path / "group.jpg"), PHOTOS / "biden.jpg")
    compare.click("#compare-go")
    expect(compare.locator("#compare-says")).to_have_text("The same person")
    expect(boxes(compare, 0)).to_have_count(3)
    nearest = compare.locator(".box[data-status=known]")
    expect(nearest).to_have_count(2)
    photo, box = compare.locator("#compare-sides img").first.bounding_box(), nearest.first.bounding_box()
    middle = (box["x"] + box["width"] / 2 - photo["x"]) / photo["width"]
    assert 1 / 3 < middle < 2 / 3, "biden is in the middle of the three"
    assert numbers(compare)["compared"] == "3 pairs of faces"


def test_a_photo_and_a_person(compare):
    view(compare, "People")
    teach(compare, "Barack Obama", PHOTOS / "obama.jpg", PHOTOS / "obama3.jpg")
    view(compare, "Compare")
    choose(compare, PHOTOS / "obama2.jpg")
    compare.fill("#compare-person", "Barack Obama")
    compare.keyboard.press("Enter")
    expect(compare.locator("#compare-says")).to_have_text("The same person: Barack Obama")
    expect(boxes(compare, 0)).to_have_attribute("aria-label", "Face 1, compared")
    assert numbers(compare)["compared"] == "2 pairs of faces"


def test_what_cannot_be_compared_is_told_in_words(compare, tmp_path):
    compare.forgiven = ("status of 4",)
    error = compare.locator("#compare-error")
    compare.click("#compare-go")
    expect(error).to_have_text("Choose two photos, or a photo and a person")
    text, wall = tmp_path / "text.jpg", tmp_path / "wall.jpg"
    text.write_text("no photo")
    Image.new("RGB", (400, 300), (90, 120, 150)).save(wall)
    compare.set_input_files("#compare-file-0", str(text))
    compare.set_input_files("#compare-file-1", str(PHOTOS / "obama.jpg"))
    compare.click("#compare-go")
    expect(error).to_contain_text("Photo 1")
    compare.set_input_files("#compare-file-0", str(wall))
    expect(error).to_be_hidden()
    compare.click("#compare-go")
    expect(error).to_contain_text("No face found")
    compare.fill("#compare-person", "Nobody Atall")
    compare.click("#compare-go")
    expect(error).to_contain_text("No such person")
