"""The page of the HTTP API at /docs: every call of the OpenAPI document, with a form that sends it, under the policy that all
pages have; and the pages about problems."""
import json

import pytest
from page_support import PHOTOS, browser, fresh_tab, url  # noqa: F401
from playwright.sync_api import expect


@pytest.fixture
def docs(browser, url):  # noqa: F811
    """The page; the test fails if its policy refused anything, or it asked another server."""
    with fresh_tab(browser) as tab:
        asked = []
        tab.on("request", lambda request: asked.append(request.url))
        answer = tab.goto(f"{url}/docs")
        assert "unsafe" not in answer.headers["content-security-policy"]
        expect(tab.locator("details").first).to_be_visible()
        yield tab
        assert [one for one in asked if not one.startswith(url)] == []


def call(docs, name):
    docs.locator(f"#{name} > summary").click()
    return docs.locator(f"#{name}")


def test_every_call_is_there(docs, url):  # noqa: F811
    api = docs.request.get(f"{url}/openapi.json").json()
    wanted = {one["operationId"]: f"{method.upper()} {path}" for path, all_ in api["paths"].items()
              for method, one in all_.items() if method != "parameters"}
    shown = docs.evaluate("""Object.fromEntries([...document.querySelectorAll("details")]
        .map(one => [one.id, one.querySelector("summary code").textContent]))""")
    assert shown == wanted and len(wanted) > 30


def test_a_photo_is_sent_and_the_answer_shown(docs):
    form = call(docs, "recognize")
    form.locator("[name='query:collection']").fill("docs")
    form.locator("[name='query:durable']").select_option("false")
    form.locator("[name='form:file']").set_input_files(str(PHOTOS / "obama.jpg"))
    form.get_by_role("button", name="Send").click()
    expect(form.locator("pre")).to_contain_text("200 OK")
    assert json.loads(form.locator("pre").text_content().split("\n\n", 1)[1])["faces"][0]["status"] == "unknown"


def test_paths_json_and_errors(docs):
    docs.forgiven = ("status of 4",)
    form = call(docs, "get_person")
    form.locator("[name='path:label']").fill("Zoë/<b>x</b>?")
    form.get_by_role("button", name="Send").click()
    expect(form.locator("pre")).to_contain_text("/problems/not_found")
    form = call(docs, "change_person")
    form.locator("[name='path:person_id']").fill("nobody")
    form.locator("[name='json:body']").fill('{"notes": "x"}')
    form.get_by_role("button", name="Send").click()
    expect(form.locator("pre")).to_contain_text("404 Not Found")
    form.locator("[name='json:body']").fill("{")
    form.get_by_role("button", name="Send").click()
    expect(form.locator("pre")).to_contain_text("/problems/malformed")


def test_the_key_goes_along(docs):
    sent = []
    docs.on("request", lambda request: sent.append(request.headers.get("authorization")))
    docs.locator("#key").fill("vultus_secret")
    form = call(docs, "status")
    form.get_by_role("button", name="Send").click()
    expect(form.locator("pre")).to_contain_text("200 OK")
    assert sent == ["Bearer vultus_secret"] and "vultus_secret" not in docs.url


def test_an_address_opens_a_call(browser, url):  # noqa: F811
    with fresh_tab(browser) as tab:
        tab.goto(f"{url}/docs#train")
        expect(tab.locator("#train form")).to_be_visible()


def test_problems_are_pages(browser, url):  # noqa: F811
    with fresh_tab(browser) as tab:
        tab.goto(f"{url}/docs")
        tab.get_by_role("link", name="problems").click()
        tab.get_by_role("link", name="no_face", exact=True).click()
        expect(tab.locator("h1")).to_have_text("No face found")
        tab.get_by_role("link", name="All problems").click()
        assert tab.locator("li a").count() > 40
