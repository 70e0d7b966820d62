"""Several tabs of the page: one event stream for all, whichever tab is closed or frozen."""
import pytest
from conftest import running, wait_until
from page_support import PHOTOS, browser, expect, page, recognise, url, view  # noqa: F401

TABS = 7  # a browser opens six connections to one server


@pytest.fixture(scope="module")
def service():
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def url(service):  # noqa: F811
    return service.url


@pytest.fixture
def tabs(page, url):  # noqa: F811
    """Tabs on Jobs, all with the stream. `streams`: the tabs that opened one, in order."""
    page.streams, found = [], [page]
    page.context.on("request", lambda r: page.streams.append(r.frame.page) if r.url.endswith("/api/events") else None)
    view(page, "Jobs")
    for _ in range(TABS - 1):
        found.append(page.context.new_page())
        found[-1].goto(f"{url}/?collection={page.collection}#jobs")
    for tab in found:
        tab.set_default_timeout(60_000)
        expect(tab.locator("#jobs-numbers dd").first).to_be_visible()
    return found


def all_count(tabs, service, photos, jobs):
    """Only the stream tells a page that a job has finished, second by second."""
    service.submit("/api/recognize", [photos["small_obama"]])
    for tab in tabs:
        expect(tab.locator("#jobs-rate")).to_have_text(f"{jobs} job{'s' if jobs > 1 else ''}")


def test_as_many_tabs_as_one_likes(tabs, service, photos):
    all_count(tabs, service, photos, 1)
    assert len(set(tabs[0].streams)) < TABS - 1, "a stream for each tab would leave no connection"
    for tab in tabs:
        assert tab.evaluate("async () => (await fetch('/healthz/live')).status") == 200
    view(tabs[-1], "Recognise")
    recognise(tabs[-1], PHOTOS / "obama.jpg")


def test_another_tab_leads_when_the_leader_is_closed(tabs, service, photos):
    all_count(tabs, service, photos, 1)
    streams = tabs[0].streams
    left, before = list(tabs), len(streams)
    for _ in range(2):
        leader = streams[-1]
        left.remove(leader)
        leader.close()
        wait_until(lambda: left[0].wait_for_timeout(20) or len(streams) > before, what="another stream")
        before = len(streams)
        assert streams[-1] in left
    with left[0].expect_response("**/api/status"):
        pass  # the new stream made all look again
    all_count(left, service, photos, 2)


def test_another_tab_leads_when_the_leader_is_stuck(tabs, service, photos):
    all_count(tabs, service, photos, 1)
    streams = tabs[0].streams
    leader, before = streams[-1], len(streams)
    # As a frozen tab: it keeps its connection and tells nobody anything. A visible one cannot be frozen.
    leader.evaluate("""() => { window.post = BroadcastChannel.prototype.postMessage;
        BroadcastChannel.prototype.postMessage = () => {}; }""")
    left = [tab for tab in tabs if tab is not leader]
    wait_until(lambda: left[0].wait_for_timeout(20) or len(streams) > before, what="another stream")
    assert streams[-1] in left
    all_count(left, service, photos, 2)
    leader.evaluate("() => { BroadcastChannel.prototype.postMessage = window.post; }")
    service.submit("/api/recognize", [photos["small_obama"]])
    for tab in left:
        expect(tab.locator("#jobs-rate")).to_have_text("3 jobs")
    assert len(streams) == before + 1, "who comes back leads no more"


def test_the_leader_that_leaves_the_view_hands_over(tabs, service, photos):
    streams, before = tabs[0].streams, len(tabs[0].streams)
    leader = streams[-1]
    view(leader, "People")
    wait_until(lambda: leader.wait_for_timeout(20) or len(streams) > before, what="another stream")
    left = [tab for tab in tabs if tab is not leader]
    with left[0].expect_response("**/api/status"):
        pass
    all_count(left, service, photos, 1)
