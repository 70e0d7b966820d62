"""python -m vultus: recognize photos, find and compare faces, train a person or a folder of people, list them."""
from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

from . import (Client, Detection, JobFailed, JobTimeout, Lesson, Recognition, Refused, UnreadablePhoto, Unusable,
               VultusError, __version__)
from .completion import completion
from .photos import bytes_of, detail_of

DONE, SOME_FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
OF_THE_SERVICE = {401, 403, 404, 405, 421, 426}  # the next photo would get the same answer


def bar(done: int, of: int, learned: int) -> str:
    width = 30
    full = width * done // max(of, 1)
    return f"[{'#' * full}{'.' * (width - full)}] {done} of {of}, {learned} learned, {done - learned} refused"


def visible(text: object) -> str:
    """Foreign text, without characters that move a terminal's cursor or imitate another line or column."""
    return "".join(one if one.isprintable() or "\ud800" <= one <= "\udfff" else one.encode("unicode_escape").decode()
                   for one in str(text))


def complain(text: object) -> None:
    print(f"vultus: {visible(text)}", file=sys.stderr)


def ends_all(failure: VultusError) -> bool:
    """Whether the other photos of a batch would fail in the same way."""
    return isinstance(failure, Unusable) or isinstance(failure, Refused) and failure.status in OF_THE_SERVICE


def each_photo(wanted: argparse.Namespace, ask: Callable[[str], Any], tell: Callable[[str, Any], None]) -> int:
    """Asks about one photo after the other, whatever becomes of the others. A photo has one line of JSON, or its lines on
    the output, or a line on stderr; of several photos there is a summary."""
    unread = failed = 0
    for path in wanted.photo:
        try:
            found = ask(path)
        except VultusError as failure:
            if ends_all(failure):
                raise
            unread += isinstance(failure, UnreadablePhoto)
            failed += 1
            complain(f"{path}: {reason_of(failure)}")
            if wanted.json:
                print(json.dumps({"photo": path, "error": {"code": code_of(failure), "detail": reason_of(failure)}}))
            continue
        tell(path, found)
    summary(len(wanted.photo), failed)
    return UNUSABLE if unread == len(wanted.photo) else SOME_FAILED if failed else DONE


def summary(photos: int, failed: int, done: str = "done") -> None:
    if photos > 1:
        complain(f"{photos} photos: {photos - failed} {done}, {failed} failed")


def code_of(failure: VultusError) -> str:
    return getattr(failure, "code", None) or ("unreadable" if isinstance(failure, UnreadablePhoto) else "timeout")


def recognize(client: Client, wanted: argparse.Namespace) -> int:
    return each_photo(
        wanted, lambda path: client.recognize(path, min_face_px=wanted.min_face_px, **looking(wanted)),
        lambda path, found: show(path, found, wanted.json))


def reason_of(failure: VultusError) -> str:
    return (failure.strerror if isinstance(failure, UnreadablePhoto) else None) or str(failure)


def show(path: str, found: Recognition, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"photo": path, **found.raw}))
        return
    for face in found.faces:
        distance = "" if face.distance is None else f"{face.distance:.2f}"
        box = face.box
        print(f"{visible(path)}\t{face.status}\t{visible(face.label or '-')}\t{distance or '-'}\t"
              f"{box.left},{box.top},{box.right},{box.bottom}")
    if not found.faces:
        print(f"{visible(path)}\tno face")


def look(client: Client, wanted: argparse.Namespace) -> int:
    """detect and embed: a line for each photo with --json, else one for each face."""
    def tell(path: str, found: Detection) -> None:
        if wanted.json:
            print(json.dumps({"photo": path, **found.raw}))
            return
        for face in found.faces:
            box = face.box
            print(f"{visible(path)}\t{face.quality.score:.3f}\t{box.left},{box.top},{box.right},{box.bottom}")
        if not found.faces:
            print(f"{visible(path)}\tno face")

    return each_photo(
        wanted, lambda path: getattr(client, wanted.what)(path, min_face_px=wanted.min_face_px, **looking(wanted)), tell)


def verify(client: Client, wanted: argparse.Namespace) -> int:
    photos = [wanted.photo] if wanted.other is None else [wanted.photo, wanted.other]
    found = client.verify(*photos, person=wanted.person, distance_max=wanted.distance_max,
                          **looking(wanted))
    if wanted.json:
        print(json.dumps(found.raw))
    else:
        numbers = "-" if found.distance is None else f"{found.distance:.4f}\t{found.similarity:.4f}"
        print(f"{'same' if found.same else 'different'}\t{numbers}")
    return DONE


def train(client: Client, wanted: argparse.Namespace) -> int:
    """Trains with the readable photos, whatever the others are."""
    read: list[tuple[str, bytes]] = []
    for path in wanted.photo:
        try:
            read.append((path, bytes_of(path)))
        except VultusError as failure:
            complain(f"{path}: {reason_of(failure)}")
            if wanted.json:
                tell_photo(path, False, "unreadable", reason_of(failure), True)
    if not read:
        return UNUSABLE
    failed = len(wanted.photo) - len(read)
    try:
        verdicts = client.train(wanted.name, *(photo for _, photo in read), quality=wanted.quality, **looking(wanted)).photos
    except JobFailed as failure:
        verdicts = failure.job.verdicts
        if not verdicts:
            complain(failure)
            return SOME_FAILED
    except (JobTimeout, Refused) as failure:
        if ends_all(failure):
            raise
        complain(failure)
        return SOME_FAILED
    for photo in verdicts:
        path = read[photo.index][0] if 0 <= photo.index < len(read) else f"photo {photo.index}"
        failed += not photo.accepted
        tell_photo(path, photo.accepted, photo.reason, None if photo.accepted else detail_of(photo), wanted.json)
    summary(len(wanted.photo), failed, "learned")
    return SOME_FAILED if failed else DONE


def tell_photo(path: str, learned: bool, reason: str | None, detail: str | None, as_json: bool) -> None:
    if as_json:
        why = {} if learned else {"reason": reason, "detail": detail}
        print(json.dumps({"photo": path, "learned": learned, **why}))
    else:
        print(f"{visible(path)}\t{'learned' if learned else said(reason, detail)}")


def train_folder(client: Client, wanted: argparse.Namespace) -> int:
    learned = 0

    def tell(lesson: Lesson, done: int, of: int) -> None:
        nonlocal learned
        learned += lesson.learned
        if sys.stderr.isatty() or wanted.progress:
            print("\r" + bar(done, of, learned), end="\n" if done == of else "", file=sys.stderr, flush=True)

    try:
        lessons = client.train_folder(wanted.folder, at_once=wanted.at_once, on_photo=tell, quality=wanted.quality,
                                      **looking(wanted))
    except Unusable as failure:
        tell_lessons(failure.lessons, wanted.json)
        raise
    if not lessons:
        complain(f"no name/photo.jpg below {wanted.folder}")
        return SOME_FAILED
    tell_lessons(lessons, wanted.json)
    summary(len(lessons), len(lessons) - learned, "learned")
    return DONE if learned == len(lessons) else SOME_FAILED


def tell_lessons(lessons: list[Lesson], as_json: bool) -> None:
    """Each photo with --json, else only what was refused."""
    for lesson in lessons:
        if as_json or not lesson.learned:
            tell_photo(lesson.path, lesson.learned, lesson.reason, lesson.detail, as_json)


def said(reason: str | None, detail: str | None) -> str:
    return visible(reason if detail is None else f"{reason}: {detail}")


def people(client: Client, wanted: argparse.Namespace) -> int:
    for person in client.people():
        if wanted.json:
            print(json.dumps({"label": person.label, "person_id": person.person_id, "count": person.count}))
            continue
        print(f"{visible(person.label)}\t{person.count}")
    return 0


def models(client: Client, wanted: argparse.Namespace) -> int:
    found = client.models()
    if wanted.json:
        print(json.dumps(dataclasses.asdict(found)))
        return DONE
    for model in found.models:
        default = found.detector == model.name or found.embedder in model.embedders
        print(f"{visible(model.name)}\t{model.kind}\t{model.workers}\t{'default' if default else '-'}\t"
              f"{visible(model.licence or '-')}\t{visible(model.training or '-')}")
    return DONE


def looking(wanted: argparse.Namespace) -> dict[str, object]:
    return {"detector": wanted.detector, "rotate": wanted.rotate or None}


def how_to_look(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detector", choices=["hog", "cnn", "centerface", "yunet"],
                        help="without it the default of the service")
    parser.add_argument("--rotate", action="store_true", help="also look for faces that lie or stand on their head")


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


def places(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 256:
        raise ValueError(text)
    return value


def with_quality(command: argparse.ArgumentParser) -> None:
    command.add_argument("--quality", choices=["off", "standard", "strict"],
                         help="refuse photos that show a face badly, and faces that look like somebody else's")


class PrintCompletion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object,
                 option_string: str | None = None) -> None:
        print(completion(parser, "vultus", str(values)), end="")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m vultus", description=__doc__)
    made.add_argument("--url", default="http://127.0.0.1:5000")
    made.add_argument("--collection", default="default")
    made.add_argument("--patience", type=seconds, default=60.0, metavar="SECONDS",
                      help="how long to try when the service is away or full")
    made.add_argument("--timeout", type=seconds, default=60.0, metavar="SECONDS",
                      help="how long one request may take; photos get a second more for each 32 KiB")
    made.add_argument("--job-timeout", type=seconds, default=600.0, metavar="SECONDS",
                      help="how long to wait for a job that was accepted")
    made.add_argument("--version", action="version", version=f"vultus {__version__}")
    made.add_argument("--completion", choices=["bash", "zsh"], action=PrintCompletion,
                      help="print the script for the shell and exit: source <(vultus --completion bash)")
    commands = made.add_subparsers(required=True)
    one = commands.add_parser("recognize", aliases=["recognise"], help="who is in the photos")
    one.add_argument("photo", nargs="+")
    how_to_look(one)
    one.add_argument("--min-face-px", type=int)
    one.add_argument("--json", action="store_true", help="one line of JSON for each photo")
    one.set_defaults(run=recognize)
    for what, text in ("detect", "the faces in the photos, without names"), ("embed", "the same with their embeddings"):
        one = commands.add_parser(what, help=text)
        one.add_argument("photo", nargs="+")
        how_to_look(one)
        one.add_argument("--min-face-px", type=int)
        one.add_argument("--json", action="store_true", help="one line of JSON for each photo")
        one.set_defaults(run=look, what=what)
    one = commands.add_parser("verify", help="whether two photos, or a photo and a person, show the same face")
    one.add_argument("photo")
    one.add_argument("other", nargs="?")
    one.add_argument("--person", help="instead of the second photo: somebody in the collection")
    one.add_argument("--distance-max", type=float, metavar="D")
    one.add_argument("--json", action="store_true", help="the whole answer as JSON")
    how_to_look(one)
    one.set_defaults(run=verify)
    one = commands.add_parser("train", help="teach one person")
    one.add_argument("name")
    one.add_argument("photo", nargs="+")
    how_to_look(one)
    one.add_argument("--json", action="store_true", help="one line of JSON for each photo")
    one.set_defaults(run=train)
    with_quality(one)
    one = commands.add_parser("train-folder", help="teach every NAME/PHOTO.jpg below a folder; prints what was refused")
    one.add_argument("folder")
    one.add_argument("--at-once", type=places, default=4)
    how_to_look(one)
    one.add_argument("--progress", action="store_true", help="the bar also when stderr is no terminal")
    one.add_argument("--json", action="store_true", help="one line of JSON for each photo, also of those that were learned")
    one.set_defaults(run=train_folder)
    with_quality(one)
    one = commands.add_parser("models", help="detectors and embedders, with licence and training data")
    one.add_argument("--json", action="store_true")
    one.set_defaults(run=models)
    one = commands.add_parser("people", help="who is known, and with how many photos")
    one.add_argument("--json", action="store_true", help="one line of JSON for each person")
    one.set_defaults(run=people)
    return made


def run(wanted: argparse.Namespace) -> int:
    try:
        with Client(wanted.url, wanted.collection, patience_s=wanted.patience, timeout_s=wanted.timeout,
                    job_s=wanted.job_timeout) as client:
            return int(wanted.run(client, wanted))
    except VultusError as failure:
        complain(failure)
        return UNUSABLE


def main() -> int:
    """0: all done; 1: some photos were refused, unreadable or did not finish; 2: the service could not be used, no
    photo could be read, the arguments are wrong, or the output could not be written."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    wanted = parser().parse_args()
    try:
        code = run(wanted)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except OSError as failure:  # of the output
        with contextlib.suppress(OSError):
            complain(f"the output cannot be written: {failure.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python does not flush the rest again at exit
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
