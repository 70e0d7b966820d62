"""Photos and folders, as both clients take them."""
from __future__ import annotations

import pathlib
from typing import Any, BinaryIO, Union

from .errors import JobFailed, Refused
from .steps import Call
from .types import Lesson, Training

Photo = Union[str, "pathlib.Path", bytes, BinaryIO]
PHOTO_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"}


def bytes_of(photo: Photo) -> bytes:
    if isinstance(photo, bytes):
        return photo
    if isinstance(photo, (str, pathlib.Path)):
        return pathlib.Path(photo).read_bytes()
    return photo.read()


def photos_below(folder: str | pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    """(name, photo) for every name/photo.jpg below the folder, in order."""
    found = sorted(path for path in pathlib.Path(folder).rglob("*")
                   if path.suffix.lower() in PHOTO_ENDINGS and path.is_file() and not path.name.startswith("."))
    return [(path.parent.name or pathlib.Path(folder).resolve().name, path) for path in found]


def lesson_of(label: str, path: pathlib.Path, outcome: Training | Exception) -> Lesson:
    if isinstance(outcome, Training):
        return Lesson(label, str(path), not outcome.superseded, "superseded" if outcome.superseded else None)
    reason = outcome.code if isinstance(outcome, (JobFailed, Refused)) else str(outcome)
    if reason == "no_usable_photo":  # the only photo's reason stands at the end of the sentence
        reason = str(outcome).split()[-1]
    return Lesson(label, str(path), False, reason)


def request_of(call: Call) -> dict[str, Any]:
    return {"method": call.method, "url": call.path, "params": call.params, "headers": call.headers,
            "data": call.data, "files": call.files, "timeout": call.timeout_s}
