"""The link that makes the first user, in a browser: once, without the token in the address bar."""
import re
import tempfile

import pytest
from conftest import before_start, started
from page_support import browser, expect, fresh_tab  # noqa: F401
from test_login import PASSWORD

REFUSED = ("status of 400", "status of 401", "status of 403")


@pytest.fixture
def linked():
    """A service without users, and the token of its link."""
    with tempfile.TemporaryDirectory(prefix="vultus-") as folder:
        made = before_start(folder, "user", "setup")
        token = re.search(r"#setup=([0-9a-f]{64})", made.stdout).group(1)
        with started(folder, settings=["api.access=keys"]) as one:
            yield one, token


def fill(tab, name, password):
    tab.fill("#login-name", name)
    tab.fill("#login-password", password)
    tab.click("#login-go")


def test_the_link_makes_the_admin_and_logs_in(browser, linked):  # noqa: F811
    service, token = linked
    with fresh_tab(browser) as tab:
        tab.forgiven = REFUSED
        tab.goto(f"{service.url}/#setup={token}")
        expect(tab.locator("#login-title")).to_have_text("Create the administrator")
        assert token not in tab.url
        fill(tab, "ada", "short")
        expect(tab.locator("#login-error")).to_be_visible()
        fill(tab, "ada", PASSWORD)
        expect(tab.locator("#view-login")).to_be_hidden()
        expect(tab.locator("#login-title")).to_have_text("Log in")
    with fresh_tab(browser) as tab:
        tab.forgiven = REFUSED
        tab.goto(f"{service.url}/#setup={token}")
        fill(tab, "eve", PASSWORD)
        expect(tab.locator("#login-error")).to_contain_text("The link was used")
