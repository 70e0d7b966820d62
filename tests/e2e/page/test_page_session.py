"""Who uses the page, when that changes behind its back: other tabs, other users, sessions that end, a log-out that
is not answered, a store that was away."""
import itertools
import json
import os
import shutil
import signal

import pytest
from conftest import running, wait_until
from page_support import PHOTOS, browser, expect, fresh_tab, let_pass, refusal, shows_people, teach, view  # noqa: F401
from test_login import PASSWORD, add_user, ctl, login
from test_page_login import log_in

hosts = itertools.count(1)
AWAY = refusal(503, "Database unavailable", **{"Retry-After": "1"})
REFUSED = ("status of 401", "status of 403", "status of 429", "status of 503", "ERR_")


@pytest.fixture(scope="module")
def keyed():
    with running(settings=["api.access=keys", 'api.trusted_proxies=["127.0.0.1"]']) as one:
        for name, role in (("olga", "operator"), ("vera", "viewer"), ("ada", "admin")):
            add_user(one.data, name, role)
        wait_until(lambda: login(one.url, "ada").status_code == 200, what="the secret")
        yield one


@pytest.fixture
def tab(browser, keyed):  # noqa: F811
    """At the people of a collection of its own, as ada."""
    with fresh_tab(browser) as one:
        one.forgiven = REFUSED
        number = next(hosts)
        one.context.set_extra_http_headers({"X-Forwarded-For": f"10.9.2.{number}"})
        one.address = f"{keyed.url}/?collection=session-{number}#people"
        one.goto(one.address)
        log_in(one, "ada")
        expect(one.locator("#view-people")).to_be_visible()
        yield one


def another(tab, address=None):
    one = tab.context.new_page()
    one.goto(address or tab.address)
    return one


def somebody_else_comes(tab, keyed, name):
    """A login beside the page, which nothing tells it about."""
    answer = tab.context.request.post(f"{keyed.url}/api/session", data=json.dumps({"name": name, "password": PASSWORD}),
                                      headers={"Content-Type": "application/json"})
    assert answer.status == 200, answer.text()


def test_a_log_out_that_was_refused_is_said_and_is_none(tab):
    error = tab.locator("#leave-error")
    for answer in (AWAY, refusal(403, "X-CSRF-Token is missing or does not match the session")):
        tab.route("**/api/session", lambda route: route.fulfill(**answer) if route.request.method == "DELETE"
                  else route.continue_())
        tab.click("#log-out")
        expect(error).to_contain_text(f"Not logged out: {json.loads(answer['body'])['title']}")
        expect(error).to_contain_text("The session is still open")
        expect(tab.locator("#who-name")).to_have_text("ada")
        tab.unroute("**/api/session")
    tab.context.set_offline(True)
    tab.click("#log-out")
    expect(error).to_contain_text("The service does not respond")
    tab.context.set_offline(False)
    tab.click("#log-out")
    expect(tab.locator("#view-login")).to_be_visible()
    assert tab.context.cookies() == []


def test_a_log_out_whose_answer_is_lost_is_found_out(tab):
    def lose(route):
        if route.request.method != "DELETE":
            return route.continue_()
        route.fetch()
        route.abort()
    tab.route("**/api/session", lose)
    tab.click("#log-out")
    expect(tab.locator("#view-login")).to_be_visible()
    assert "session-" not in tab.locator("#people-list").inner_html()


def test_a_log_out_sends_what_waits_first(tab):
    teach(tab, "biden", PHOTOS / "biden.jpg")
    shows_people(tab, ["biden"])
    seen = []
    tab.on("request", lambda r: seen.append(r.url.split("/api/")[1][:7]) if r.method == "DELETE" else None)
    tab.locator(".person").click()
    tab.click("#person-delete")
    tab.click("#log-out")
    expect(tab.locator("#view-login")).to_be_visible()
    assert seen == ["faces?c", "session"]
    log_in(tab, "ada")
    expect(tab.locator("#people-empty")).to_be_visible()


def test_a_log_out_before_a_change_was_sent_asks_and_the_next_login_sends_it(tab):
    teach(tab, "biden", PHOTOS / "biden.jpg")
    shows_people(tab, ["biden"])
    tab.route("**/api/faces?*label=*", lambda route: route.fulfill(**AWAY))
    tab.clock.install()
    tab.locator(".person").click()
    tab.click("#person-delete")
    tab.click("#log-out")
    let_pass(tab, 11)  # so long does a log-out wait for what is to be sent
    expect(tab.locator("#leave-error")).to_contain_text("Not logged out. 1 change is not done: Delete biden.")
    expect(tab.locator("#who-name")).to_have_text("ada")
    tab.click("#log-out")
    expect(tab.locator("#view-login")).to_be_visible()
    assert "biden" not in tab.content(), "not even as something that waits"
    tab.unroute("**/api/faces?*label=*")
    log_in(tab, "ada")
    expect(tab.locator("#who-name")).to_have_text("ada")
    let_pass(tab, 16)  # until the tab that tried before counts as gone
    expect(tab.locator(".toast")).to_contain_text("Done now: Delete biden")
    expect(tab.locator("#people-empty")).to_be_visible()


def test_a_new_login_in_another_tab_keeps_this_one_working(tab):
    other = another(tab)
    expect(other.locator("#who-name")).to_have_text("ada")
    teach(tab, "biden", PHOTOS / "biden.jpg")
    other.click("#log-out")
    expect(other.locator("#view-login")).to_be_visible()
    expect(tab.locator("#view-login")).to_be_visible()
    log_in(other, "ada")
    for one in (other, tab):
        expect(one.locator("#view-people")).to_be_visible()
        shows_people(one, ["biden"])
    teach(tab, "obama", PHOTOS / "obama.jpg")
    shows_people(tab, ["biden", "obama"])


def test_a_token_that_is_not_good_any_more_is_asked_for_again(tab, keyed):
    somebody_else_comes(tab, keyed, "ada")  # the same one, with another session
    teach(tab, "obama", PHOTOS / "obama.jpg")
    shows_people(tab, ["obama"])
    tab.click("#log-out")
    expect(tab.locator("#view-login")).to_be_visible()


def test_a_log_out_in_another_tab_ends_no_folder(tab):
    other, files = another(tab), [str(PHOTOS / "obama.jpg")] * 6
    expect(other.locator("#who-name")).to_have_text("ada")

    def leave(route):
        if other.locator("#who").is_visible():
            other.click("#log-out")
            expect(other.locator("#view-login")).to_be_visible()
        route.continue_()
    tab.route("**/api/train*", leave, times=1)
    tab.fill("#teach-name", "obama")
    tab.set_input_files("#teach-files", files)
    expect(tab.locator("#view-login")).to_be_visible()
    log_in(tab, "ada")
    expect(tab.locator("#teach-progress")).to_have_text("6 learned")


@pytest.mark.parametrize("found_out", ["on return", "by a refusal"])
def test_nobody_has_the_buttons_of_somebody_else(tab, keyed, found_out):
    teach(tab, "biden", PHOTOS / "biden.jpg")
    shows_people(tab, ["biden"])
    expect(tab.locator("#people-clear")).to_be_visible()
    somebody_else_comes(tab, keyed, "vera")
    if found_out == "on return":
        tab.evaluate("dispatchEvent(new Event('focus'))")
    else:
        tab.fill("#teach-name", "obama")
        tab.set_input_files("#teach-files", str(PHOTOS / "obama.jpg"))
    expect(tab.locator("#who-name")).to_have_text("vera")
    shows_people(tab, ["biden"])
    for hidden in ("#people-clear", ".teach"):
        expect(tab.locator(hidden)).to_be_hidden()


def test_a_change_of_one_user_is_not_sent_by_the_next(tab, keyed):
    teach(tab, "biden", PHOTOS / "biden.jpg")
    shows_people(tab, ["biden"])
    tab.clock.install()
    tab.locator(".person").click()
    tab.click("#person-delete")
    expect(tab.locator(".toast")).to_be_visible()
    somebody_else_comes(tab, keyed, "vera")
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(tab.locator("#who-name")).to_have_text("vera")
    shows_people(tab, ["biden"])
    expect(tab.locator(".toast")).to_have_count(0)
    tab.click("#log-out")
    log_in(tab, "ada")
    expect(tab.locator("#who-name")).to_have_text("ada")
    let_pass(tab, 10)
    expect(tab.locator(".toast")).to_contain_text("Done now: Delete biden")
    expect(tab.locator("#people-empty")).to_be_visible()


def test_a_session_that_ends_in_a_folder_goes_on_after_the_login(tab, keyed, tmp_path):
    for number in range(8):
        folder = tmp_path / "family" / f"p{number}"
        folder.mkdir(parents=True)
        shutil.copy(PHOTOS / "obama.jpg", folder)
    sent = []

    def end_the_session(route):
        sent.append(route.request.headers["idempotency-key"])
        if len(sent) == 3:
            ctl(keyed.data, "user", "password", "ada", said=PASSWORD + "\n")
        route.continue_()
    tab.route("**/api/train*", end_the_session)
    tab.set_input_files("#teach-folder", str(tmp_path / "family"))
    expect(tab.locator("#view-login")).to_be_visible()
    expect(tab.locator("#teach-verdicts li[data-state=refused]")).to_have_count(0)
    before = len(sent)
    log_in(tab, "ada")
    expect(tab.locator("#teach-progress")).to_have_text("8 learned")
    assert before < 8 and len(set(sent)) == 8, "what was refused for the login is sent again under its key"
    expect(tab.locator(".person")).to_have_count(8)


def test_a_page_that_was_opened_while_the_store_was_away_works_afterwards(tab, keyed):
    [redis] = keyed.pids("redis")
    os.kill(redis, signal.SIGSTOP)
    try:
        wait_until(lambda: tab.context.request.get(f"{keyed.url}/api/session").status == 503, what="a store that is away")
        other = another(tab)
        expect(other.locator("#away")).to_be_visible()
        expect(other.locator("#people-clear")).to_be_hidden()
        expect(other.locator(".teach")).to_be_hidden()
    finally:
        os.kill(redis, signal.SIGCONT)
    expect(other.locator("#who-name")).to_have_text("ada")
    teach(other, "obama", PHOTOS / "obama.jpg")
    shows_people(other, ["obama"])
    view(other, "Recognise")
