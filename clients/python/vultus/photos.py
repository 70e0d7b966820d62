"""Photos and folders, for both clients."""
from __future__ import annotations

import io
import math
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Union

from .errors import InvalidArgument, JobFailed, Refused, UnreadablePhoto
from .types import Lesson, TrainedPhoto, Training

# A path, bytes, a file opened for bytes, a PIL image, or a numpy array of height x width (x 3: RGB, x 4: RGBA) of uint8.
Photo = Union[str, "pathlib.Path", bytes, BinaryIO, Any]
Embeddings = Sequence[Sequence[float]]       # or a numpy array of two dimensions
PHOTO_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"}
HIDDEN = {"@eaDir", "__MACOSX"}
PHOTO_BYTES = 64 * 1024 * 1024              # far beyond the limit of a service, which decides; this only bounds memory


def jpeg_of(picture: Any) -> bytes:
    """A PIL image as the JPEG of best quality; a transparent one on white."""
    from PIL import Image
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        picture = Image.new("RGB", clear.size, "white")
        picture.paste(clear, mask=clear.getchannel("A"))
    out = io.BytesIO()
    # The orientation stays in EXIF, where the service reads it.
    exif = picture.getexif().tobytes()
    picture.convert("RGB").save(out, "JPEG", quality=95, subsampling=0, **({"exif": exif} if exif else {}))
    return out.getvalue()


def picture_of(array: Any) -> Any:
    """A numpy array as a PIL image."""
    try:
        from PIL import Image
    except ImportError as failure:
        raise InvalidArgument("a photo as an array needs Pillow (pip install pillow)") from failure
    shape, kind = getattr(array, "shape", ()), str(getattr(array, "dtype", ""))
    if kind != "uint8" or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (3, 4)):
        raise InvalidArgument(f"a photo as an array is height x width (x 3: RGB) of uint8, not {shape} of {kind}")
    return Image.fromarray(array)


def bytes_of(photo: Photo) -> bytes:
    """Raises UnreadablePhoto, or InvalidArgument for an argument that is not a photo."""
    if isinstance(photo, (bytes, bytearray, memoryview)):
        return bytes(photo)
    pil = type(photo).__module__.startswith("PIL.") or hasattr(photo, "getexif")
    if pil or hasattr(photo, "__array_interface__"):
        try:
            return jpeg_of(photo if pil else picture_of(photo))
        except (OSError, ValueError, TypeError, AttributeError) as failure:
            if isinstance(failure, InvalidArgument):
                raise
            raise InvalidArgument(f"the picture cannot be made a JPEG: {failure}") from failure
    try:
        if isinstance(photo, (str, os.PathLike)):
            with open(photo, "rb") as file:
                found = file.read(PHOTO_BYTES + 1)
        else:
            found = photo.read(PHOTO_BYTES + 1)
    except OSError as failure:
        raise UnreadablePhoto(failure.errno, failure.strerror or str(failure), str(photo)) from failure
    except (AttributeError, TypeError, ValueError) as failure:
        raise InvalidArgument(f"a photo is a path, bytes, a file opened for bytes, a PIL image or a numpy array: "
                              f"{failure}") from failure
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


def vectors_of(embeddings: Any) -> list[list[float]]:
    """Embeddings as lists: from lists, or from a numpy array of two dimensions."""
    try:
        found = [[float(value) for value in vector] for vector in embeddings]
    except (TypeError, ValueError) as failure:
        raise InvalidArgument(f"embeddings are a list of lists of numbers: {failure}") from failure
    if not all(math.isfinite(value) for vector in found for value in vector):
        raise InvalidArgument("an embedding has a number that is not finite")
    return found
