"""A photo by URL on the page: only where the service fetches from somewhere, and what came is shown as the service drew it."""
import json

import pytest
from conftest import running
from page_support import PHOTOS, browser, expect, fresh_tab, page, url  # noqa: F401
from photo_server import photo_server


@pytest.fixture(scope="module")
def photos_by_url():
    with photo_server({"obama": (PHOTOS / "obama.jpg").read_bytes()}) as one:
        yield one


@pytest.fixture(scope="module")
def shared_service(photos_by_url):
    hosts = json.dumps([f"127.0.0.1:{photos_by_url.port}"])
    with running(settings=(f"api.fetch_urls={hosts}",)) as one:
        yield one


def test_a_photo_is_fetched_and_shown(page, photos_by_url):  # noqa: F811
    page.fill("#recognize-url", f"http://127.0.0.1:{photos_by_url.port}/obama")
    page.keyboard.press("Enter")
    expect(page.locator(".photo .says")).to_have_text("1 unknown face")
    page.wait_for_function("() => document.querySelector('#stage-photo').naturalWidth > 100")
    expect(page.locator(".box")).to_have_count(1)
    page.locator(".box").click()
    expect(page.locator("#face-says")).to_be_visible()
    expect(page.locator("#face-form")).to_be_hidden()
    expect(page.locator("#recognize-url")).to_have_value("")


def test_a_host_that_is_not_listed_is_refused_in_words(page):  # noqa: F811
    page.forgiven = ("status of 4",)
    page.fill("#recognize-url", "https://photos.example.com/a.jpg")
    page.keyboard.press("Enter")
    expect(page.locator(".photo")).to_have_attribute("data-state", "failed")
    expect(page.locator("#stage-error")).to_contain_text("photos.example.com")


def test_without_listed_hosts_there_is_no_field(browser):  # noqa: F811
    with running(workers=0) as service, fresh_tab(browser) as tab:
        tab.goto(service.url)
        expect(tab.locator("#service")).not_to_have_attribute("data-state", "asking")
        expect(tab.locator("#recognize-drop")).to_be_visible()
        expect(tab.locator("#recognize-by-url")).to_be_hidden()
