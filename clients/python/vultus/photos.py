"""Photos and folders, for both clients."""
from __future__ import annotations

import os
import pathlib
from dataclasses import dataclass, field
from typing import BinaryIO, Union

from .errors import InvalidArgument, JobFailed, Refused, UnreadablePhoto
from .types import Lesson, TrainedPhoto, Training

Photo = Union[str, "pathlib.Path", bytes, BinaryIO]
PHOTO_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"}
HIDDEN = {"@eaDir", "__MACOSX"}
PHOTO_BYTES = 64 * 1024 * 1024              # far beyond the limit of a service, which decides; this only bounds memory


def bytes_of(photo: Photo) -> bytes:
    """Raises UnreadablePhoto, or InvalidArgument for an argument that is not a photo."""
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return bytes(photo)
    try:
        if isinstance(photo, (str, os.PathLike)):
            with open(photo, "rb") as file:
                found = file.read(PHOTO_BYTES + 1)
        else:
            found = photo.read(PHOTO_BYTES + 1)
    except OSError as failure:
        raise UnreadablePhoto(failure.errno, failure.strerror or str(failure), str(photo)) from failure
    except (AttributeError, TypeError, ValueError) as failure:
        raise InvalidArgument(f"a photo is a path, bytes or a file opened for bytes: {failure}") from failure
    if not isinstance(found, (bytes, bytearray)):
        raise InvalidArgument("a photo is a path, bytes or a file opened for bytes, not for text")
    if len(found) > PHOTO_BYTES:
        raise UnreadablePhoto(f"the photo is larger than {PHOTO_BYTES >> 20} MiB: {photo}")
    return bytes(found)


@dataclass
class PhotoFolder:
    photos: list[tuple[str, pathlib.Path]] = field(default_factory=list)  # (name, photo), in order
    unreadable: list[Lesson] = field(default_factory=list)                # folders below that cannot be read

    @property
    def size(self) -> int:
        return len(self.photos) + len(self.unreadable)


def photos_below(folder: str | pathlib.Path) -> PhotoFolder:
    """Every name/photo.jpg below the folder. Hidden files and folders (with a dot in front, and folders that file
    servers and archives add) are skipped. Raises UnreadablePhoto if the folder itself cannot be read."""
    found = PhotoFolder()
    try:
        root = pathlib.Path(folder)
        os.scandir(root).close()
        own_name = root.resolve().name
    except OSError as failure:
        raise UnreadablePhoto(failure.errno, failure.strerror or str(failure), str(folder)) from failure
    except (TypeError, ValueError) as failure:
        raise InvalidArgument(f"no folder: {folder!r}") from failure

    def unread(failure: OSError) -> None:
        path = pathlib.Path(failure.filename)
        found.unreadable.append(Lesson(path.name, str(path), False, failure.strerror or str(failure)))

    for place, folders, files in os.walk(root, onerror=unread):
        folders[:] = [name for name in folders if not is_hidden(name)]
        here = pathlib.Path(place)
        label = own_name if here == root else here.name
        found.unreadable += [Lesson(name, str(here / name), False, "a link to a folder is not followed")
                             for name in folders if (here / name).is_symlink()]
        for name in files:
            if is_hidden(name) or os.path.splitext(name)[1].lower() not in PHOTO_ENDINGS:
                continue
            if os.path.isfile(here / name):
                found.photos.append((label, here / name))
            else:
                found.unreadable.append(Lesson(label, str(here / name), False, "no file, or one that cannot be read"))
    found.photos.sort(key=lambda one: one[1])
    return found


def is_hidden(name: str) -> bool:
    return name.startswith(".") or name in HIDDEN


def lesson_of(label: str, path: pathlib.Path, outcome: Training | Exception) -> Lesson:
    if isinstance(outcome, Training):
        return Lesson(label, str(path), not outcome.superseded, "superseded" if outcome.superseded else None)
    reason = outcome.code if isinstance(outcome, (JobFailed, Refused)) and outcome.code else str(outcome)
    if isinstance(outcome, UnreadablePhoto):
        reason = outcome.strerror or str(outcome)
    detail = None
    if reason == "no_usable_photo":  # the reason of the only photo is at the end of the sentence
        reason = str(outcome).split()[-1] if str(outcome) else reason
        verdicts = outcome.job.verdicts if isinstance(outcome, JobFailed) else []
        detail = detail_of(verdicts[0]) if verdicts else None
    return Lesson(label, str(path), False, reason, detail)


def detail_of(photo: TrainedPhoto) -> str | None:
    """The service's sentence, with the name of the other person where the service tells it."""
    if photo.other is None or photo.other.label is None:
        return photo.detail
    return f"{photo.other.label}: {photo.detail or 'another person'}"


def not_tried(folder: PhotoFolder, lessons: list[Lesson], why: Exception) -> list[Lesson]:
    """The lessons of a folder whose training was aborted: all photos, the missing ones with the reason."""
    seen = {lesson.path for lesson in lessons}
    rest = [Lesson(label, str(path), False, f"not tried: {why}")
            for label, path in folder.photos if str(path) not in seen]
    return in_order(lessons + rest)


def in_order(lessons: list[Lesson]) -> list[Lesson]:
    return sorted(lessons, key=lambda lesson: lesson.path)
