"""The page where a login is asked for: in, working by what the role allows, and out again."""
import itertools
import re

import pytest
from conftest import PREFIX, running, wait_until
from page_support import PHOTOS, SHOTS, browser, expect, fresh_tab, recognize, shows_people, teach, view  # noqa: F401
from test_login import PASSWORD, add_user, ctl, login
from test_page_looks import problems

hosts = itertools.count(1)  # wrong passwords of one test are no wait in the next
REFUSED = ("status of 401", "status of 429")  # the browser itself complains of these


@pytest.fixture(scope="module")
def keyed():
    with running(settings=["api.access=keys", 'api.trusted_proxies=["127.0.0.1"]']) as one:
        for name, role in (("olga", "operator"), ("vera", "viewer"), ("ada", "admin")):
            add_user(one.data, name, role)
        add_user(one.data, "tim", "viewer", "--collections", "team")
        wait_until(lambda: login(one.url, "ada").status_code == 200, what="the secret")
        yield one


@pytest.fixture
def tab(browser):  # noqa: F811
    with fresh_tab(browser) as one:
        one.context.set_extra_http_headers({"X-Forwarded-For": f"10.9.1.{next(hosts)}"})
        yield one


def try_to_log_in(tab, name, password=PASSWORD):
    expect(tab.locator("#view-login")).to_be_visible()
    tab.fill("#login-name", name)
    tab.fill("#login-password", password)
    tab.keyboard.press("Enter")


def log_in(tab, name):
    """Returns when the page knows who it is: a request before that has the cookie, but no token yet."""
    try_to_log_in(tab, name)
    expect(tab.locator("#view-login")).to_be_hidden()


def test_an_operator_logs_in_teaches_recognizes_and_logs_out(keyed, tab):
    tab.goto(f"{keyed.url}/#people")
    expect(tab.locator("#view-login")).to_be_visible()
    expect(tab.locator("#login-name")).to_be_focused()
    for hidden in ("nav", "#view-people", "#who"):
        expect(tab.locator(hidden)).to_be_hidden()
    log_in(tab, "olga")
    expect(tab.locator("#view-people")).to_be_visible()
    expect(tab.locator("#who-name")).to_have_text("olga")
    teach(tab, "Joe Biden", PHOTOS / "biden.jpg")
    shows_people(tab, ["Joe Biden"])
    expect(tab.locator("#people-clear")).to_be_hidden()
    tab.locator(".person").first.click()
    expect(tab.locator("#person-photos .end")).to_have_count(1)
    for hidden in ("#person-rename", "#person-merge", "#person-delete", "#person-photos button"):
        expect(tab.locator(hidden)).to_be_hidden()
    tab.keyboard.press("Escape")
    view(tab, "Recognise")
    recognize(tab, PHOTOS / "biden.jpg")
    expect(tab.locator(".photo").first).to_contain_text("Joe Biden")
    view(tab, "Live")
    tab.click("#live-start")
    expect(tab.locator("#live-fps")).not_to_have_text("–")
    tab.click("#live-start")
    view(tab, "Jobs")
    expect(tab.locator("#jobs-list li").first).to_be_visible()
    tab.click("#log-out")
    expect(tab.locator("#view-login")).to_be_visible()
    assert "Joe Biden" not in tab.content(), "nothing of before is left"
    assert tab.context.cookies() == []


def test_a_viewer_teaches_nobody(keyed, tab):
    tab.goto(f"{keyed.url}/#people")
    log_in(tab, "vera")
    expect(tab.locator("#view-people")).to_be_visible()
    expect(tab.locator(".teach")).to_be_hidden()
    view(tab, "Recognise")
    recognize(tab, PHOTOS / "obama.jpg")
    tab.locator(".photo").first.click()
    tab.locator(".box").first.click()
    expect(tab.locator("#face-title")).to_be_visible()
    expect(tab.locator("#face-form")).to_be_hidden()


def test_a_user_of_one_collection_comes_to_it(keyed, tab):
    tab.forgiven = REFUSED
    tab.goto(f"{keyed.url}/#people")
    log_in(tab, "tim")
    expect(tab.locator("#collection")).to_have_text("team")
    expect(tab.locator("#view-people")).to_be_visible()
    expect(tab.locator("#people-error")).to_be_hidden()


def test_a_session_that_ends_asks_again_and_goes_on_where_one_was(keyed, tab):
    tab.forgiven = REFUSED
    tab.goto(f"{keyed.url}/#recognise")
    log_in(tab, "ada")
    recognize(tab, PHOTOS / "obama.jpg")
    view(tab, "Jobs")
    ctl(keyed.data, "user", "password", "ada", said=PASSWORD + "\n")
    expect(tab.locator("#view-login")).to_be_visible()
    expect(tab.locator("#view-jobs")).to_be_hidden()
    log_in(tab, "ada")
    expect(tab.locator("#view-jobs")).to_be_visible()
    expect(tab.locator("#service")).to_have_attribute("data-state", "ready")
    view(tab, "Recognise")
    expect(tab.locator(".photo")).to_have_count(1)
    view(tab, "People")
    expect(tab.locator("#people-clear")).to_be_visible()


def test_wrong_passwords_are_said_and_waited_for(keyed, tab):
    tab.forgiven = REFUSED
    keyed.redis().hset(f"{PREFIX}tries:name:vera", "wrong", 6)  # the next wrong one makes wait for 4 s
    tab.goto(keyed.url)
    try_to_log_in(tab, "vera", "wrong horse battery")
    expect(tab.locator("#login-error")).to_have_text("Wrong name or password")
    expect(tab.locator("#login-go")).to_be_enabled()
    try_to_log_in(tab, "vera")
    expect(tab.locator("#login-error")).to_have_text(re.compile("Try again in [1-4] s."))
    expect(tab.locator("#login-go")).to_be_disabled()
    expect(tab.locator("#login-go")).to_be_enabled()
    log_in(tab, "vera")
    expect(tab.locator("#view-recognise")).to_be_visible()


@pytest.mark.parametrize("scheme,width,height", [("light", 1280, 860), ("dark", 1280, 860), ("dark", 375, 812)])
def test_it_can_be_read_and_used_by_keyboard(keyed, tab, scheme, width, height):
    tab.forgiven = REFUSED
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": width, "height": height})
    tab.goto(keyed.url)
    expect(tab.locator("#login-name")).to_be_focused()
    tab.keyboard.type("olga")
    tab.keyboard.press("Tab")
    tab.keyboard.type("wrong horse battery")
    tab.keyboard.press("Enter")
    expect(tab.locator("#login-error")).to_be_visible()
    found = problems(tab, "login")
    tab.screenshot(path=SHOTS / f"login-{scheme}-{width}.png")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.locator("#who-name")).to_have_text("olga")
    found += problems(tab, "logged in")
    tab.screenshot(path=SHOTS / f"logged-in-{scheme}-{width}.png")
    assert found == [], found
