"""The jobs view, live by the event stream; and the page while Redis is away."""
import os
import signal

import pytest
from conftest import running
from page_support import PHOTOS, browser, expect, page, recognize, teach, url, view  # noqa: F401


@pytest.fixture(scope="module")
def service():
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def url(service):  # noqa: F811
    return service.url


def number(page, name):
    return page.locator("#jobs-numbers div", has=page.locator("dt", has_text=name)).locator("dd")


def test_what_others_do_is_seen_at_once(page, service, photos):
    view(page, "Jobs")
    expect(number(page, "workers")).to_have_text("1")
    expect(page.locator("#jobs-workers li")).to_contain_text("ready")
    expect(page.locator("#jobs-errors")).to_have_text("No errors")
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    [worker] = service.pids("vultus-worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        job = service.call("POST", "/api/recognize", files={"file": photos["small_obama"]}).json()
        expect(page.locator("#jobs-list li").first).to_contain_text("Recognise")
    finally:
        os.kill(worker, signal.SIGCONT)
    assert service.finish(job)["state"] == "succeeded"
    expect(page.locator("#jobs-list li").first).to_contain_text("succeeded")
    expect(page.locator("#jobs-rate")).to_have_text("1 job")
    service.submit("/api/train", [photos["small_obama"]], name="Ada", collection="family")
    expect(page.locator("#jobs-galleries li", has_text="family")).to_contain_text("1 person, 1 photo")
    expect(page.locator("#jobs-galleries li", has_text="family")).to_contain_text("up to date")
    service.submit("/api/train", [photos["small_obama"][:3000] + photos["small_obama"][-2:]], name="Bob")
    expect(page.locator("#jobs-errors li")).to_contain_text("Teach Bob, failed")
    page.select_option("#jobs-state", "failed")
    expect(page.locator("#jobs-list li")).to_have_count(1)
    assert not [one for one in asked if "/events" in one], "one stream, opened before"


def test_a_waiting_job_is_cancelled(page, service, photos):
    view(page, "Jobs")
    [broker] = service.pids("vultus-broker")
    os.kill(broker, signal.SIGSTOP)  # nobody gives jobs to workers: what is accepted waits
    try:
        service.call("POST", "/api/recognize", files={"file": photos["small_obama"]})
        page.select_option("#jobs-state", "pending")
        page.get_by_role("button", name="Cancel: Recognise").click()
        page.select_option("#jobs-state", "cancelled")
        expect(page.locator("#jobs-list li").first).to_contain_text("cancelled")
    finally:
        os.kill(broker, signal.SIGCONT)


def test_redis_dies_while_the_page_is_open(page, service):
    page.forgiven = ("status of 503", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    view(page, "People")
    teach(page, "Barack", PHOTOS / "obama.jpg")
    view(page, "Recognise")
    [redis] = service.pids("redis")
    os.kill(redis, signal.SIGSTOP)
    try:
        expect(page.locator("#service")).to_have_attribute("data-state", "away")
        expect(page.locator("#away")).to_contain_text("Database unavailable")
        expect(page.locator("#away")).to_contain_text("this page reconnects automatically")
        page.set_input_files("#recognize-file", str(PHOTOS / "obama2.jpg"))
        expect(page.locator(".photo .says")).to_contain_text("trying again")
        view(page, "Jobs")
        expect(page.locator("#jobs-error")).to_be_visible()
    finally:
        os.kill(redis, signal.SIGKILL)  # the supervisor starts another
    expect(page.locator("#service")).to_have_attribute("data-state", "ready")
    expect(page.locator("#away")).to_be_hidden()
    expect(page.locator("#jobs-error")).to_be_hidden()
    view(page, "Recognise")
    expect(page.locator(".photo .says")).to_have_text("Barack")
    assert service.fsck() == []
