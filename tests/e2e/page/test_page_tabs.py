"""Several tabs of the page: one event stream for all, whichever tab is closed or frozen."""
import pytest
from conftest import running, wait_until
from page_support import PHOTOS, browser, expect, page, recognize, url, view  # noqa: F401

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
    """Tabs on Jobs, all with the stream. `streams`: the tabs that opened one, in order; `open`: request → its tab."""
    page.streams, page.open, found = [], {}, [page]

    def begun(request):
        if request.url.endswith("/api/events"):
            page.open[request] = request.frame.page
            page.streams.append(request.frame.page)
    page.context.on("request", begun)
    for end in ("requestfailed", "requestfinished"):
        page.context.on(end, lambda request: page.open.pop(request, None))
    view(page, "Jobs")
    for _ in range(TABS - 1):
        found.append(page.context.new_page())
        found[-1].goto(f"{url}/?collection={page.collection}#jobs")
    for tab in found:
        tab.set_default_timeout(60_000)
        expect(tab.locator("#jobs-numbers dd").first).to_be_visible()
    return found


def leader_of(page, tabs, but=None):
    """Which of these tabs has the stream. Several may have begun one at once: all but one of them close theirs."""
    def only():
        seen = set()
        for _ in range(20):
            tabs[-1].wait_for_timeout(20)
            seen.add(frozenset(tab for tab in page.open.values() if tab in tabs and tab is not but))
        [one] = seen if len(seen) == 1 else [()]
        return list(one)[0] if len(one) == 1 else None
    return wait_until(only, what="a tab that leads")


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
    recognize(tabs[-1], PHOTOS / "obama.jpg")


def test_another_tab_leads_when_the_leader_is_closed(tabs, service, photos):
    all_count(tabs, service, photos, 1)
    left = list(tabs)
    for _ in range(2):
        leader = leader_of(tabs[0], left)
        left.remove(leader)
        leader.close()
        leader_of(tabs[0], left)
    with left[0].expect_response("**/api/status"):
        pass  # the new stream made all look again
    all_count(left, service, photos, 2)


def test_another_tab_leads_when_the_leader_is_stuck(tabs, service, photos):
    all_count(tabs, service, photos, 1)
    leader = leader_of(tabs[0], tabs)
    # As a frozen tab: it keeps its connection and tells nobody anything. A visible one cannot be frozen.
    leader.evaluate("""() => { window.post = BroadcastChannel.prototype.postMessage;
        BroadcastChannel.prototype.postMessage = () => {}; }""")
    left = [tab for tab in tabs if tab is not leader]
    leader_of(tabs[0], tabs, but=leader)
    before = len(tabs[0].streams)
    all_count(left, service, photos, 2)
    leader.evaluate("() => { BroadcastChannel.prototype.postMessage = window.post; }")
    service.submit("/api/recognize", [photos["small_obama"]])
    for tab in left:
        expect(tab.locator("#jobs-rate")).to_have_text("3 jobs")
    assert len(tabs[0].streams) == before, "who comes back leads no more"


def test_the_leader_that_leaves_the_view_hands_over(tabs, service, photos):
    leader = leader_of(tabs[0], tabs)
    left = [tab for tab in tabs if tab is not leader]
    view(leader, "People")
    leader_of(tabs[0], left)
    with left[0].expect_response("**/api/status"):
        pass
    all_count(left, service, photos, 1)
