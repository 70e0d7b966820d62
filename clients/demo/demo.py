#!/usr/bin/env python3
"""Demo over HTTP: trains two people, recognizes them, removes them.

    demo.py --url http://127.0.0.1:5000 --photos build/photos      against a running service
    demo.py --start                                                starts one on free ports first

Prints a row for each answer and, last, `demo: N of N answers right`; exit code 0 only if all are.
"""
import argparse
import contextlib
import http.client
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


ENDED = ("succeeded", "failed", "dead", "cancelled")
GOES_ON = ("pending", "running", "delayed", "publishing")
PAUSE_S = 0.1
JOB_S = 300                     # time-out of a job
START_S, STOP_S = 180, 90       # of the service that --start starts; its supervisor has shorter bounds
ANSWER_BYTES = 16 << 20
PHOTOS = {"biden", "obama", "obama2", "obama3", "obama_partial_face", "obama_partial_face2"}


@contextlib.contextmanager
def within(seconds, what):
    """Raises TimeoutError inside the block: urllib has time-outs for single reads only."""
    def over(*_):
        raise TimeoutError(f"{what}: not done within {seconds} s")
    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Client:
    """The few calls of the API that the demo needs."""

    def __init__(self, url, timeout_s):
        self.url, self.timeout_s = url.rstrip("/"), timeout_s

    def call(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers or {})
        with within(self.timeout_s, f"{method} {path}"):
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                return json.loads(answer.read(ANSWER_BYTES))

    def submit(self, path, photo=None, name=None):
        """Sends a form like a browser and waits for the end of the job."""
        boundary, body = uuid.uuid4().hex, io.BytesIO()
        if name is not None:
            body.write(f"--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n{name}\r\n".encode())
        if photo is not None:
            body.write(f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; "
                       f"filename=\"photo.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n".encode())
            body.write(photo + b"\r\n")
        body.write(f"--{boundary}--\r\n".encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Prefer": "wait=30"}
        if photo is None and name is None:
            job = self.call("POST", path, b"", {"Prefer": "wait=30"})
        else:
            job = self.call("POST", path, body.getvalue(), headers)
        end = time.monotonic() + JOB_S
        while job["state"] not in ENDED:
            if job["state"] not in GOES_ON:
                raise ValueError(f"a job in state {job['state']}")
            if time.monotonic() > end:
                raise TimeoutError(f"{path}: the job is still {job['state']} after {JOB_S} s")
            time.sleep(PAUSE_S)     # for a service that does not hold the poll
            job = self.call("GET", f"/api/jobs/{job['id']}?wait=30")
        if job["state"] != "succeeded":
            raise RuntimeError(f"{path}: the job is {job['state']}: {job.get('error')}")
        return job


class Table:
    """Prints rows at once, counts the right ones."""

    def __init__(self):
        self.rows = self.right = 0
        print(f"{'photo':<28}{'expected':<22}{'got':<22}{'distance':>9}{'ms':>8}")

    def add(self, photo, expected, got, distance=None, milliseconds=None):
        self.rows += 1
        self.right += expected == got
        shown = "" if distance is None else f"{distance:.3f}"
        took = "" if milliseconds is None else f"{milliseconds:.0f}"
        mark = "" if expected == got else "  WRONG"
        print(f"{photo:<28}{expected:<22}{got:<22}{shown:>9}{took:>8}{mark}", flush=True)


def names_in(client, photo):
    """[(name or 'unknown' or 'ambiguous', distance)] from left to right, and the milliseconds."""
    begin = time.monotonic()
    faces = client.submit("/api/recognize", photo)["result"]["faces"]
    took = (time.monotonic() - begin) * 1000
    faces.sort(key=lambda face: face["box"]["left"])
    return [(face["label"] if face["status"] == "known" else face["status"], face.get("distance"))
            for face in faces], took


def ask(client, table, title, photo, expected):
    found, took = names_in(client, photo)
    for index in range(max(len(expected), len(found))):
        wanted = expected[index] if index < len(expected) else "(no such face)"
        got, distance = found[index] if index < len(found) else ("(no face)", None)
        name = title if len(expected) == 1 else f"{title} {index + 1}"
        table.add(name, wanted, got, distance, took)


def group_of(photos):
    """Photos side by side, each 900 pixels high, as one JPEG."""
    pictures = [Image.open(io.BytesIO(photo)).convert("RGB") for photo in photos]
    pictures = [p.resize((p.width * 900 // p.height, 900)) for p in pictures]
    group = Image.new("RGB", (sum(p.width for p in pictures), 900))
    left = 0
    for picture in pictures:
        group.paste(picture, (left, 0))
        left += picture.width
    out = io.BytesIO()
    group.save(out, "JPEG", quality=92)
    return out.getvalue()


def demo(url, folder, timeout_s):
    photos = {path.stem: path.read_bytes() for path in pathlib.Path(folder).glob("*.jpg")}
    if missing := PHOTOS - set(photos):
        raise RuntimeError(f"no {min(missing)}.jpg in {folder}: config/fetch.py brings the sample photos")
    client, table = Client(url, timeout_s), Table()
    client.submit("/api/clear")
    client.submit("/api/train", photos["biden"], "biden")
    ask(client, table, "obama2 (not yet taught)", photos["obama2"], ["unknown"])
    client.submit("/api/train", photos["obama"], "obama")
    for title in ("obama2", "obama3", "obama_partial_face", "obama_partial_face2"):
        ask(client, table, title, photos[title], ["obama"])
    ask(client, table, "biden", photos["biden"], ["biden"])
    group = group_of([photos["obama2"], photos["biden"], photos["obama3"]])
    ask(client, table, "group", group, ["obama", "biden", "obama"])
    people = client.call("GET", "/api/faces")["faces"]
    table.add("(people)", "biden 1, obama 1",
              ", ".join(f"{p['label']} {p['count']}" for p in sorted(people, key=lambda p: p["label"])))
    client.submit("/api/clear")
    for title in ("obama2", "biden"):
        ask(client, table, f"{title} (after clear)", photos[title], ["unknown"])
    print(f"demo: {table.right} of {table.rows} answers right")
    return table.right == table.rows and table.rows >= 9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="of a running service; its faces are cleared")
    parser.add_argument("--start", action="store_true", help="start a service of its own first")
    parser.add_argument("--photos", default=ROOT / "build/photos", help="folder of the sample photos")
    parser.add_argument("--timeout", type=float, default=90, help="seconds that one request may take (%(default)s)")
    options, rest = parser.parse_known_args()
    if not 0 < options.timeout < 100_000:
        parser.error("--timeout is a number of seconds")
    if not options.start:
        if not options.url or rest:
            parser.error("give --url or --start")
        return 0 if demo(options.url, options.photos, options.timeout) else 1
    with tempfile.TemporaryDirectory(prefix="vultus-demo-") as data:
        service = subprocess.Popen(
            [sys.executable, ROOT / "config/supervisor.py", "--port", "0", "--data", data, *rest],
            stdout=subprocess.PIPE, text=True)
        try:
            with within(START_S, "the start of the service"):
                for line in service.stdout:
                    if line.startswith("ready "):
                        break
                    print(line, end="", flush=True)
                else:
                    return service.wait(STOP_S)  # the supervisor has printed why
            right = demo(line.split()[1], options.photos, options.timeout)
        finally:
            if service.poll() is None:
                service.send_signal(signal.SIGTERM)
            try:
                service.communicate(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                service.kill()
                service.communicate()
    return 0 if right else 1


if __name__ == "__main__":
    os.umask(0o077)
    try:
        code = main()
        sys.stdout.flush()
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")
    except (RuntimeError, OSError) as failure:  # URLError is an OSError
        sys.exit("demo: " + " ".join(str(failure or type(failure).__name__).split()))
    except (http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError) as failure:
        sys.exit(f"demo: what answers there is not Vultus: {type(failure).__name__}: {failure!s:.80}".encode("unicode_escape").decode())
