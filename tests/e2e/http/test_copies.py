"""How often the programs copy the bytes of a photo, counted in the programs themselves (../copy_count.c)."""
import base64
import contextlib
import io
import os
import pathlib
import tempfile

import pytest
from conftest import ROOT, jpeg, running
from PIL import Image
from pictures import enlarged

SIZE = 2_000_000


@pytest.fixture(scope="module")
def counted(photos):
    """A service whose programs count; `copies()` gives how often each has copied the photo of each of its requests."""
    small = Image.open(io.BytesIO(photos["small_obama"]))
    small.thumbnail((320, 240))
    photo = enlarged(jpeg(small), SIZE)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vultus-copies-")))
        preload = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"), "copy_count.so")
        assert preload.exists()
        service = stack.enter_context(running(environment={"LD_PRELOAD": str(preload), "VULTUS_COPIES": str(folder)}))

        def total():
            found = dict.fromkeys(("vultus-api", "vultus-broker", "vultus-worker"), 0)
            for path in folder.iterdir():
                name = path.name.rpartition("-")[0]
                if name in found:
                    found[name] += int.from_bytes(path.read_bytes(), "little")
            return found

        def copies(send, requests=4):
            send()  # what a first request alone does
            before = total()
            for _ in range(requests):
                send()
            return {name: (now - before[name]) / requests / SIZE for name, now in total().items()}

        service.photo, service.copies = photo, copies
        yield service


def ways(service, query):
    """(name, a function that sends the photo that way and gets its answer)"""
    def post(**what):
        answer = service.call("POST", "/api/recognize", params=query, **what)
        assert answer.status_code == 200, answer.text
    wait = {"Prefer": "wait=30"}
    text = base64.b64encode(service.photo).decode()
    return [("plain", lambda: post(data=service.photo, headers={"Content-Type": "image/jpeg", **wait})),
            ("form", lambda: post(files={"file": ("a.jpg", service.photo)}, headers=wait)),
            ("json", lambda: post(json={"image": text}, headers=wait)),
            ("chunked", lambda: post(data=iter([service.photo]), headers={"Content-Type": "image/jpeg", **wait}))]


# Of a photo, by the api. What arrives behind the head of a request is copied with it, up to 36 KiB of 2 MB; of chunks Beast copies
# all into the body.
API_MOST = {"plain": 0.03, "form": 0.03, "json": 0.01, "chunked": 1.03}


def test_a_direct_photo_is_copied_by_the_worker_once_and_by_no_other(counted):
    for name, send in ways(counted, {"durable": "false"}):
        copies = counted.copies(send)
        print(name, copies)
        assert copies["vultus-api"] <= API_MOST[name], (name, copies)
        # ZeroMQ itself copies what it has read with the header of a message: one buffer of 8 KiB, or two.
        assert copies["vultus-broker"] <= 0.01, (name, copies)
        assert 0.99 < copies["vultus-worker"] <= 1.01, (name, copies)  # into the memory of its decoder


def test_a_stored_photo_is_copied_once_by_the_api(counted):
    for name, send in ways(counted, {}):
        copies = counted.copies(send)
        print(name, copies)
        assert copies["vultus-api"] <= API_MOST[name] + 1, (name, copies)
        assert copies["vultus-broker"] == 0, (name, copies)
        # By hiredis into its buffer and out of it, and then as above.
        assert copies["vultus-worker"] <= 3.1, (name, copies)
