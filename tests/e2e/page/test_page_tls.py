"""The page over HTTPS while other clients of the same address do nothing but begin handshakes, or finish one and leave."""
import re
import socket
import ssl
import threading
import uuid

from conftest import running
from page_support import PHOTOS, browser, expect, fresh_tab, recognize, teach, view  # noqa: F401
from test_scarcity import Flood, descriptors
from test_tls import certificate, settings_of

BEGUN = b"\x16\x03\x01\x02\x00\x01\x00"  # the beginning of a ClientHello
HELD = 1_100  # more than there are places


class Handshakes(threading.Thread):
    """One whole handshake after the other, each on a connection of its own."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.over, self.made = port, threading.Event(), 0
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def run(self):
        while not self.over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as link:
                    self.context.wrap_socket(link).close()
                    self.made += 1
            except OSError:
                pass  # it gave way

    def stop(self):
        self.over.set()
        self.join()


def test_the_page_works_beside_a_flood_of_handshakes(browser, tmp_path):  # noqa: F811
    with running(settings=settings_of(certificate(tmp_path))) as service, descriptors(), \
            fresh_tab(browser, ignore_https_errors=True) as page:
        floods = [Flood(service.port, [(HELD, BEGUN, False)]), Handshakes(service.port), Handshakes(service.port)]
        try:
            for flood in floods:
                flood.start()
            page.goto(f"https://127.0.0.1:{service.port}/?collection=page-{uuid.uuid4().hex[:12]}")
            expect(page.locator("#service")).to_have_attribute("data-state", "ready")
            view(page, "People")
            teach(page, "Barack Obama", PHOTOS / "obama.jpg")
            view(page, "Recognise")
            recognize(page, PHOTOS / "obama2.jpg")
            expect(page.locator(".photo").first).to_contain_text("Barack Obama")
        finally:
            for flood in floods:
                flood.stop()
        assert floods[0].made >= HELD and min(one.made for one in floods[1:]) > 10, [one.made for one in floods]
        told = page.context.request.get(f"https://127.0.0.1:{service.port}/metrics").text()
        turn = re.search(r'api_loop_longest_turn_seconds\{clock="processor"\} (\S+)', told)[1]
        print(f"{floods[0].made} begun, {sum(one.made for one in floods[1:])} whole handshakes; longest turn {float(turn) * 1e3:.1f} ms")
