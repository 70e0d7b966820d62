"""python -m vultus: recognise photos, teach a person or a folder of people, list them."""
from __future__ import annotations

import argparse
import json
import sys

from . import Client, Lesson, VultusError


def bar(done: int, of: int, learned: int) -> str:
    width = 30
    full = width * done // max(of, 1)
    return f"[{'#' * full}{'.' * (width - full)}] {done} of {of}, {learned} learned, {done - learned} refused"


def recognise(client: Client, wanted: argparse.Namespace) -> int:
    for path in wanted.photo:
        found = client.recognise(path, detector=wanted.detector, min_face_px=wanted.min_face_px)
        if wanted.json:
            print(json.dumps({"photo": path, **found.raw}))
            continue
        for face in found.faces:
            distance = "" if face.distance is None else f"{face.distance:.2f}"
            box = face.box
            print(f"{path}\t{face.status}\t{face.label or '-'}\t{distance or '-'}\t"
                  f"{box.left},{box.top},{box.right},{box.bottom}")
        if not found.faces:
            print(f"{path}\tno face")
    return 0


def train(client: Client, wanted: argparse.Namespace) -> int:
    refused = 0
    for photo in client.train(wanted.name, *wanted.photo).photos:
        refused += not photo.accepted
        print(f"{wanted.photo[photo.index]}\t{'learned' if photo.accepted else photo.reason}")
    return 1 if refused else 0


def train_folder(client: Client, wanted: argparse.Namespace) -> int:
    learned = 0

    def tell(lesson: Lesson, done: int, of: int) -> None:
        nonlocal learned
        learned += lesson.learned
        if sys.stderr.isatty() or wanted.progress:
            print("\r" + bar(done, of, learned), end="\n" if done == of else "", file=sys.stderr, flush=True)

    lessons = client.train_folder(wanted.folder, at_once=wanted.at_once, on_photo=tell)
    if not lessons:
        print(f"no name/photo.jpg below {wanted.folder}", file=sys.stderr)
        return 1
    for lesson in lessons:
        if not lesson.learned:
            print(f"{lesson.path}\t{lesson.reason}")
    return 0 if learned == len(lessons) else 1


def people(client: Client, wanted: argparse.Namespace) -> int:
    for person in client.people():
        print(f"{person.label}\t{person.count}")
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m vultus", description=__doc__)
    made.add_argument("--url", default="http://127.0.0.1:5000")
    made.add_argument("--collection", default="default")
    made.add_argument("--patience", type=float, default=60.0, metavar="SECONDS",
                      help="how long to try when the service is away or full")
    commands = made.add_subparsers(required=True)
    one = commands.add_parser("recognise", help="who is on the photos")
    one.add_argument("photo", nargs="+")
    one.add_argument("--detector", choices=["hog", "cnn"])
    one.add_argument("--min-face-px", type=int)
    one.add_argument("--json", action="store_true", help="one line of JSON for each photo")
    one.set_defaults(run=recognise)
    one = commands.add_parser("train", help="teach one person")
    one.add_argument("name")
    one.add_argument("photo", nargs="+")
    one.set_defaults(run=train)
    one = commands.add_parser("train-folder", help="teach every NAME/PHOTO.jpg below a folder; prints what was refused")
    one.add_argument("folder")
    one.add_argument("--at-once", type=int, default=4)
    one.add_argument("--progress", action="store_true", help="the bar also when stderr is no terminal")
    one.set_defaults(run=train_folder)
    one = commands.add_parser("people", help="who is known, and with how many photos")
    one.set_defaults(run=people)
    return made


def main() -> int:
    """0: all done; 1: some photos were refused; 2: the service could not be used."""
    wanted = parser().parse_args()
    with Client(wanted.url, wanted.collection, patience_s=wanted.patience) as client:
        try:
            return int(wanted.run(client, wanted))
        except (VultusError, OSError) as failure:
            print(f"vultus: {failure}", file=sys.stderr)
            return 2


sys.exit(main())
