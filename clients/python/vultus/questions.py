"""The calls that send photos or embeddings, as steps (steps.py)."""
from __future__ import annotations

from dataclasses import dataclass, field

from .errors import InvalidArgument
from .photos import Photo, bytes_of
from .reading import Json
from .steps import Call, Options, Progress, Steps, Waits, files_of, finish, query, send
from .types import Detection, Recognition, Training, Verification


@dataclass
class Photos:
    """Photos that are sent, then those that the service fetches (api.fetch_urls)."""
    bytes: list[bytes]
    urls: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.bytes) + len(self.urls)


def photos_of(photo: Photo | None, url: str | None) -> Photos:
    return Photos([] if photo is None else [bytes_of(photo)], [] if url is None else [url])


def asked(call: Call, durable: bool, on_progress: Progress | None, waits: Waits) -> Steps[Json]:
    """The result of a recognize, detect, embed or verify."""
    if durable:
        return (yield from finish(call, on_progress, waits))
    call.params["durable"] = "false"
    answer = yield from send(call, waits)
    return answer.json()


def recognize(collection: str, photos: Photos, embeddings: list[list[float]] | None, options: Options, durable: bool,
              on_progress: Progress | None, waits: Waits) -> Steps[Recognition]:
    if len(photos) > 1 or (not photos) == (embeddings is None):
        raise InvalidArgument("recognize takes a photo, a url or embeddings")
    call = Call("POST", "/api/recognize", query(collection, options))
    if embeddings is None:
        call.files = files_of(photos.bytes, photos.urls)
    else:
        call.json = {"embeddings": embeddings}
    return Recognition.of((yield from asked(call, durable, on_progress, waits)))


def detect(path: str, collection: str | None, photos: Photos, options: Options, durable: bool, on_progress: Progress | None,
           waits: Waits) -> Steps[Detection]:
    if len(photos) != 1:
        raise InvalidArgument("it takes a photo or a url")
    call = Call("POST", path, query(collection, options), files=files_of(photos.bytes, photos.urls))
    return Detection.of((yield from asked(call, durable, on_progress, waits)))


def verify(collection: str | None, photos: Photos, person: str | None, options: Options, durable: bool,
           on_progress: Progress | None, waits: Waits) -> Steps[Verification]:
    if len(photos) != (2 if person is None else 1):
        raise InvalidArgument("verify takes two photos, or a photo and a person")
    data = None if person is None else {"person": person}
    call = Call("POST", "/api/verify", query(collection, options), data=data, files=files_of(photos.bytes, photos.urls))
    return Verification.of((yield from asked(call, durable, on_progress, waits)))


def train(collection: str, name: str | None, photos: Photos, embeddings: list[list[float]] | None, options: Options,
          on_progress: Progress | None, waits: Waits) -> Steps[Training]:
    if (not photos) == (embeddings is None):
        raise InvalidArgument("train takes photos or embeddings")
    call = Call("POST", "/api/train", query(collection, options))
    named = {} if name is None else {"name": name}
    if embeddings is None:
        call.data, call.files = named, files_of(photos.bytes, photos.urls)
    else:
        call.json = {**named, "embeddings": embeddings}
    return Training.of((yield from finish(call, on_progress, waits)))
