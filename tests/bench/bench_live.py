#!/usr/bin/env python3
"""The live channel: how many frames a second, how long one takes, how often names flicker, and whether an import stops it.

    ./test bench live [--json] [--seconds 30] [--photos 1000] [--noisy-frames 900] [--set section.key=value]

A clip of heads that move on 640x480, sent at 30 frames a second by one session and by two; hog, min_face_px 80. A client
that sends more than is answered sees the newest frame win, which then has waited already; so one session sends 15 a second
as well. Keys: fifteen, one, two (of each session: frames a second, median and
p95 of frame→answer in ms at the client, median of the worker's time and of both's ratio, share of faces that were compared),
flips (changes of a face's name per minute with tracks and without, on the same noisy clip, each frame answered), import (median alone
and while photos are trained in bulk, their ratio, photos a second), page (the same while a browser's page teaches a folder of --photos).
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
import conftest  # noqa: E402
from live_client import Live, clip, face_at  # noqa: E402
from page_support import BROWSER, view  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from ran_on import ran_on  # noqa: E402
from PIL import Image  # noqa: E402

PEOPLE = ("obama", "biden")
NOISE, NARROW = 30, 0.28  # so that names flicker without tracks: pixels' deviation, and the median distance of such faces


def sample_photos():
    found = {}
    for path in conftest.PHOTOS.glob("*.jpg"):
        found[path.stem] = path.read_bytes()
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((640, 480))
        found[f"small_{path.stem}"] = conftest.jpeg(picture)
    return found


def stream(port, frames, seconds, rate=30, until=None):
    """Sends frames at this rate, for the time or until `until` is set, and until one was answered (at most 30 s); what came back:
    (ms from sending to the answer, message)."""
    live = Live(port)
    live.receive()
    sent_at, answers, begin = {}, [], time.monotonic()
    step = 0
    while not (until and until.is_set()):
        past = time.monotonic() - begin
        if past >= (seconds if answers else 30):
            break
        due = begin + step / rate
        got = live.receive(max(due - time.monotonic(), 0))
        if got is None:
            sent_at[live.frame(frames[step % len(frames)][0])] = time.monotonic()
            step += 1
        elif got["type"] == "frame":
            answers.append(((time.monotonic() - sent_at[got["seq"]]) * 1000, got))
        else:
            raise SystemExit(f"the session says {got}")
    live.close()
    return answers


def figures(answers, seconds):
    steady = answers[len(answers) // 10:]
    times = [spent for spent, _ in steady]
    work = [message["timing_ms"]["total"] for _, message in steady]
    faces = [face for _, message in steady for face in message["faces"]]
    return {"frames_s": round(len(answers) / seconds, 1), "median_ms": round(statistics.median(times), 1),
            "p95_ms": round(sorted(times)[int(len(times) * 0.95)], 1), "work_median_ms": round(statistics.median(work), 1),
            "over_work": round(statistics.median(times) / statistics.median(work), 2),
            "compared": round(sum(face["embedded"] for face in faces) / max(len(faces), 1), 3)}


def flips(port, frames, query):
    """How often the name at a place changes from one answer to the next; each frame is answered."""
    live = Live(port, query)
    live.receive()
    shown, changes, seen = {}, 0, 0
    for data, centres in frames:
        answer = live.ask(data)
        for i, centre in enumerate(centres):
            face = face_at(answer, centre) if answer["type"] == "frame" else None
            if face is None:
                continue
            seen += 1
            changes += i in shown and shown[i] != face["label"]
            shown[i] = face["label"]
    live.close()
    return changes, seen


def measure(service, photos, seconds, taught, noisy_frames):
    frames = clip(photos, PEOPLE, 240)
    stream(service.port, frames, 3)  # warm
    out = {"fifteen": figures(stream(service.port, frames, seconds, rate=15), seconds),
           "one": figures(stream(service.port, frames, seconds), seconds)}
    both = [None, None]

    def run(i):
        both[i] = figures(stream(service.port, frames, seconds), seconds)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    out["two"] = both
    noisy = clip(photos, PEOPLE, noisy_frames, noise=NOISE, seed=3)
    minutes = len(noisy) / 15 / 60
    without, seen = flips(service.port, noisy, f"?tracks=false&distance_max={NARROW}")
    with_tracks, _ = flips(service.port, noisy, f"?distance_max={NARROW}")
    out["flips"] = {"clip": f"{noisy_frames} frames at 15 a second", "faces": seen, "noise": NOISE, "distance_max": NARROW,
                    "a_minute_without": round(without / minutes, 1), "a_minute_with": round(with_tracks / minutes, 1),
                    "ratio": round(with_tracks / max(without, 1), 3)}
    out["import"] = beside_import(service, photos, frames, seconds)
    out["page"] = beside_page(service, photos, frames, seconds, taught)
    return out


def beside_import(service, photos, frames, seconds):
    alone = statistics.median(spent for spent, _ in stream(service.port, frames, seconds))
    stop, trained = threading.Event(), []

    def train():
        while not stop.is_set():
            job = service.call("POST", "/api/train", files={"file": photos["small_obama2"]},
                               data={"name": f"person {len(trained)}", "collection": "bulk"}).json()
            trained.append(job)
            if len(trained) >= 20:  # twenty wait, never more
                service.finish(trained[-20])
    loader = threading.Thread(target=train)
    loader.start()
    time.sleep(1)
    begin, before = time.monotonic(), len(trained)
    beside = statistics.median(spent for spent, _ in stream(service.port, frames, seconds))
    rate = (len(trained) - before) / (time.monotonic() - begin)
    stop.set()
    loader.join()
    return {"median_ms_alone": round(alone, 1), "median_ms_beside": round(beside, 1), "ratio": round(beside / alone, 2),
            "trains_a_second": round(rate, 1)}


def teach_from_the_page(url, folder, number, ended):
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"{url}/?collection=page")
            view(page, "People")
            page.set_input_files("#teach-folder", folder)
            page.wait_for_function("""number => document.querySelectorAll("#teach-verdicts li[data-state=accepted]").length
                === number""", arg=number, timeout=600_000)
            browser.close()
    finally:
        ended.set()


def beside_page(service, photos, frames, seconds, number):
    """A live session beside a page in which a person has dropped a folder of many photos."""
    alone = statistics.median(spent for spent, _ in stream(service.port, frames, seconds))
    with tempfile.TemporaryDirectory(prefix="vultus-bench-") as folder:
        for i in range(number):
            person = pathlib.Path(folder, "family", f"person {i // 10}")
            person.mkdir(parents=True, exist_ok=True)
            (person / f"{i}.jpg").write_bytes(photos["small_obama2"])
        ended, begin = threading.Event(), time.monotonic()
        page = threading.Thread(target=teach_from_the_page, args=(service.url, f"{folder}/family", number, ended))
        page.start()
        answers = stream(service.port, frames, 600, until=ended)
        page.join()
    took = time.monotonic() - begin
    rows = service.call("GET", "/api/collections").json()["collections"]
    learned = next(row["faces"] for row in rows if row["name"] == "page")
    beside = statistics.median(spent for spent, _ in answers)
    return {"photos": learned, "seconds": round(took, 1), "frames_s": round(len(answers) / took, 1),
            "median_ms_alone": round(alone, 1), "median_ms_beside": round(beside, 1), "ratio": round(beside / alone, 2)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--noisy-frames", type=int, default=900)
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    photos = sample_photos()
    folder = tempfile.mkdtemp(prefix="vultus-bench-")
    service = conftest.Service(folder, settings=given.set)
    try:
        service.wait_ready()
        for name in PEOPLE:
            service.train(name, photos[f"small_{name}"])
        found = {**ran_on(), "load_before": os.getloadavg()[0],
                 **measure(service, photos, given.seconds, given.photos, given.noisy_frames)}
    finally:
        service.stop()
        shutil.rmtree(folder)
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
