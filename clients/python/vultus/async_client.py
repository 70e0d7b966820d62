"""The client with asyncio. steps.py has the rules."""
from __future__ import annotations

import asyncio
import pathlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import httpx

from . import people, questions, steps
from .events import Event, EventLines, Missed, Reconnecting
from .errors import InvalidArgument, Refused, Unusable, VultusError
from .people import KEEP, PersonRecord
from .photos import Embeddings, Photo, PhotoFolder, bytes_of, in_order, lesson_of, not_tried, photos_below, vectors_of
from .transport import Verify, environment, opened, request_for
from .types import (Change, Collection, Detection, Job, Json, Lesson, ModelChange, Models, Person, Recognition, TrainedFace,
                    Training, Verification)

T = TypeVar("T")


class AsyncClient:
    """As Client; every method returns an awaitable."""

    def __init__(self, url: str = "http://127.0.0.1:5000", collection: str = "default", *,
                 key: str | None = None, timeout: float = 60.0, patience_s: float = 60.0, timeout_s: float | None = None,
                 job_s: float = 600.0, verify: Verify = True, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.collection = collection
        self.waits = steps.Waits(patience_s, timeout if timeout_s is None else timeout_s, job_s)
        self._http = opened(httpx.AsyncClient, url, key, transport, verify)

    @classmethod
    def from_env(cls, **more: Any) -> AsyncClient:
        """The client that the environment describes: VULTUS_URL, VULTUS_COLLECTION, VULTUS_KEY and VULTUS_CA, a file of
        certificates. Each may be absent; `more` are arguments of the class and come first."""
        return cls(**{**environment(), **more})

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _run(self, what: steps.Steps[T]) -> T:
        try:
            step = next(what)
            while True:
                if isinstance(step, steps.Pause):
                    await asyncio.sleep(step.seconds)
                    step = what.send(None)
                    continue
                try:
                    answer = await self._ask(step)
                except (httpx.HTTPError, httpx.InvalidURL) as failure:
                    step = what.throw(failure)
                else:
                    step = what.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _ask(self, call: steps.Call) -> steps.Answer:
        seconds = steps.deadline_of(call, self.waits.timeout_s)
        try:
            return await asyncio.wait_for(self._whole_answer(call, seconds), seconds)
        except (asyncio.TimeoutError, TimeoutError) as failure:
            raise httpx.ReadTimeout("the whole answer did not come in time") from failure

    async def _whole_answer(self, call: steps.Call, seconds: float) -> steps.Answer:
        answer = await self._http.send(request_for(self._http, call, self.waits), stream=True)
        try:
            body = steps.Collecting(call, answer, time.monotonic() + seconds)
            async for chunk in answer.aiter_bytes():
                body.add(chunk)
            return body.whole()
        finally:
            await answer.aclose()

    async def recognize(self, photo: Photo | None = None, *, url: str | None = None, embeddings: bool | Embeddings = False,
                  model: str | None = None,
                  top: int | None = None, k: int | None = None, distance_max: float | None = None,
                  similarity_min: float | None = None, min_face_px: int | None = None, upsample: int | None = None,
                  detector: str | None = None, rotate: bool | None = None, annotate: bool | None = None,
                  durable: bool = True, on_progress: steps.Progress | None = None) -> Recognition:
        """Recognizes the faces in the photo, in the one that the service fetches from `url`, or 1 to 64 embeddings of the
        collection's model (`model` states theirs).

        embeddings=True: the answer has those of the photo. top: so many of the nearest people as candidates, however
        far. detector: None is the service's default. durable=False: answered at once, and nothing is stored."""
        given = None if isinstance(embeddings, bool) else vectors_of(embeddings)
        options = {"embeddings": embeddings or None if given is None else None, "model": model, "top": top, "k": k,
                   "distance_max": distance_max, "similarity_min": similarity_min, "min_face_px": min_face_px,
                   "upsample": upsample, "detector": detector, "rotate": rotate, "annotate": annotate}
        return await self._run(questions.recognize(self.collection, questions.photos_of(photo, url), given, options,
                                             durable, on_progress, self.waits))

    recognise = recognize  # the former name

    async def detect(self, photo: Photo | None = None, *, url: str | None = None, min_face_px: int | None = None, upsample: int | None = None,
               detector: str | None = None, rotate: bool | None = None, durable: bool = True,
               on_progress: steps.Progress | None = None) -> Detection:
        """The faces in the photo: boxes, points and quality, without names and whatever the collection is."""
        options = {"min_face_px": min_face_px, "upsample": upsample, "detector": detector, "rotate": rotate}
        return await self._run(questions.detect("/api/detect", None, questions.photos_of(photo, url), options, durable, on_progress,
                                          self.waits))

    async def embed(self, photo: Photo | None = None, *, url: str | None = None, embedder: str | None = None, min_face_px: int | None = None,
              upsample: int | None = None, detector: str | None = None, rotate: bool | None = None, durable: bool = True,
              on_progress: steps.Progress | None = None) -> Detection:
        """As detect, with the embedding of each face: by the collection's model, or by `embedder`."""
        options = {"embedder": embedder, "min_face_px": min_face_px, "upsample": upsample, "detector": detector,
                   "rotate": rotate}
        return await self._run(questions.detect("/api/embed", self.collection, questions.photos_of(photo, url), options, durable, on_progress,
                                          self.waits))

    async def verify(self, *photos: Photo, urls: Sequence[str] = (), person: str | None = None,
               distance_max: float | None = None, similarity_min: float | None = None, embedder: str | None = None,
               min_face_px: int | None = None, upsample: int | None = None, detector: str | None = None,
               rotate: bool | None = None, durable: bool = True,
               on_progress: steps.Progress | None = None) -> Verification:
        """Whether two photos, or one photo and a person of the collection, show the same face. The service fetches `urls`.
        person: a name, or a person_id; Refused, several_people, for a name of more than one."""
        options = {"distance_max": distance_max, "similarity_min": similarity_min, "embedder": embedder,
                   "min_face_px": min_face_px, "upsample": upsample, "detector": detector, "rotate": rotate}
        given = questions.Photos([bytes_of(photo) for photo in photos], list(urls))
        return await self._run(questions.verify(self.collection, given, person, options, durable, on_progress, self.waits))

    async def train(self, name: str | None = None, *photos: Photo, person_id: str | None = None,
                    external_id: str | None = None, new_person: bool | None = None, urls: Sequence[str] = (),
                    embeddings: Embeddings | None = None, model: str | None = None, quality: str | None = None, num_jitters: int | None = None,
                    min_face_px: int | None = None, upsample: int | None = None, detector: str | None = None,
                    rotate: bool | None = None, on_progress: steps.Progress | None = None) -> Training:
        """Trains a person with 1 to 16 photos (or urls of them), exactly one face in each, or with embeddings of `model`, the collection's.
        JobFailed if none could be used; its job.verdicts have the reasons.

        person_id: whoever has it, or with a name a new person who gets it; without a name (None) nobody new.
        new_person: a new person, whoever else has the name. external_id: an id of your own system, unique in the collection.
        quality: "standard" or "strict" also refuses bad photos and faces that look like somebody else's."""
        options = {"person_id": person_id, "external_id": external_id, "new_person": new_person, "model": model,
                   "quality": quality, "num_jitters": num_jitters, "min_face_px": min_face_px, "upsample": upsample,
                   "detector": detector, "rotate": rotate}
        vectors = None if embeddings is None else vectors_of(embeddings)
        given = questions.Photos([bytes_of(photo) for photo in photos], list(urls))
        return await self._run(questions.train(self.collection, name, given, vectors, options,
                                         on_progress, self.waits))

    async def forget(self, label: str, face_id: str | None = None, *,
                     on_progress: steps.Progress | None = None) -> Change:
        """Removes a person, or one face of a person."""
        return await self._run(steps.forget(self.collection, label, face_id, on_progress, self.waits))

    async def rename(self, label: str, label_to: str) -> Change:
        """Refused, wrong_state, if another person has the new name: use merge."""
        return await self._run(steps.move("/api/rename", self.collection, label, label_to, self.waits))

    async def merge(self, label: str, label_to: str) -> Change:
        """Merges one person into another."""
        return await self._run(steps.move("/api/merge", self.collection, label, label_to, self.waits))

    async def clear(self) -> Change:
        """Removes all people of the collection."""
        return await self._run(steps.clear(self.collection, self.waits))

    async def delete_collection(self) -> Change:
        """As clear, and removes the collection from the list."""
        return await self._run(steps.delete_collection(self.collection, self.waits))

    async def people(self) -> list[Person]:
        """The people of the collection, in the order of the names' bytes."""
        return await self._run(steps.people(self.collection, self.waits))

    async def find_people(self, search: str | None = None, *, name: str | None = None,
                          external_id: str | None = None) -> list[PersonRecord]:
        """People with their ids and data: all, or those with a word of the name that begins like `search`, of that exact
        name, or of that external_id."""
        return await self._run(people.find(self.collection, search, name, external_id, self.waits))

    async def person(self, person_id: str) -> PersonRecord:
        """Refused, not_found, if there is none."""
        return await self._run(people.person(self.collection, person_id, self.waits))

    async def change_person(self, person_id: str, *, name: str = KEEP, external_id: str | None = KEEP,
                            metadata: Json | None = KEEP, notes: str | None = KEEP) -> PersonRecord:
        """Changes what is given; None removes. Others may have the name, but not the external_id (person_exists)."""
        changes = {"name": name, "external_id": external_id, "metadata": metadata, "notes": notes}
        return await self._run(people.change_person(self.collection, person_id, changes, self.waits))

    async def forget_person(self, person_id: str, face_id: str | None = None) -> Change:
        """As forget, where a name may be that of several people."""
        return await self._run(people.forget(self.collection, person_id, face_id, self.waits))

    async def merge_people(self, person_id: str, person_id_to: str) -> Change:
        """As merge. The first person's id and data go."""
        return await self._run(people.merge(self.collection, person_id, person_id_to, self.waits))

    async def iter_people(self) -> AsyncIterator[Person]:
        """The people of the collection as people(), read page by page."""
        token = ""
        while True:
            found, token = await self._run(steps.people_page(self.collection, token, self.waits))
            for one in found:
                yield one
            if not token:
                return

    async def iter_jobs(self, *, state: str | None = None, type: str | None = None) -> AsyncIterator[Job]:
        """The jobs that the key may see, newest first and without their results, read page by page."""
        token = ""
        while True:
            found, token = await self._run(steps.jobs_page(state, type, token, self.waits))
            for one in found:
                yield one
            if not token:
                return

    async def faces(self, label: str) -> list[TrainedFace]:
        """The trained faces of one person."""
        return await self._run(steps.faces(self.collection, label, self.waits))

    async def face_picture(self, label: str, face_id: str) -> bytes:
        """The picture of a face, a JPEG of at most 256 pixels a side. Refused, not_found, if none is stored."""
        return await self._run(steps.face_picture(self.collection, label, face_id, self.waits))

    async def collections(self) -> list[Collection]:
        """All collections of the service."""
        return await self._run(steps.collections(self.waits))

    async def retention(self) -> int | None:
        """After how many days without being seen a person is removed; None: never."""
        return await self._run(steps.retention("GET", self.collection, None, self.waits))

    async def set_retention(self, days: int | None) -> int | None:
        """Sets the retention; None removes it. The time of all people begins at the first call."""
        method = "DELETE" if days is None else "POST"
        return await self._run(steps.retention(method, self.collection, days, self.waits))

    async def pictures(self) -> bool | None:
        """Whether pictures of trained faces are kept; None: the setting of the workers decides."""
        return await self._run(steps.pictures("GET", self.collection, None, self.waits))

    async def set_pictures(self, keep: bool | None) -> bool | None:
        """Chooses whether pictures are kept; False removes those that are stored, None leaves it to the workers."""
        method = "DELETE" if keep is None else "POST"
        return await self._run(steps.pictures(method, self.collection, keep, self.waits))

    async def change_model(self, embedder: str, *, forget_without_pictures: bool = False,
                           on_progress: steps.Progress | None = None) -> ModelChange:
        """Embeds all faces again, from their pictures, with another model, such as "omz_0095/unit". Faces without a
        picture are refused (wrong_state), or removed."""
        return await self._run(steps.change_model(self.collection, embedder, forget_without_pictures, on_progress, self.waits))

    async def job(self, job_id: str) -> Job:
        """The current state of a job."""
        return await self._run(steps.job(job_id, self.waits))

    async def wait(self, job: Job, on_progress: steps.Progress | None = None) -> Job:
        """Waits for the end of a job, successful or not."""
        return await self._run(steps.wait(job, on_progress, self.waits))

    async def cancel(self, job_id: str) -> Job:
        """Cancels a job. Refused, already_terminal, if it has ended."""
        return await self._run(steps.cancel(job_id, self.waits))

    async def events(self) -> AsyncIterator[Event | Missed]:
        """As Client.events()."""
        again = Reconnecting(self.waits)
        while True:
            failure: Exception | None = None
            try:
                answer = await self._http.send(request_for(self._http, again.call(), self.waits), stream=True)
                try:
                    again.check(answer, b"" if answer.is_success else await answer.aread())
                    lines = EventLines()
                    async for line in answer.aiter_lines():
                        again.connected()
                        if (found := lines.add(line)) is not None:
                            yield found
                finally:
                    await answer.aclose()
            except (httpx.TransportError, Refused) as why:
                failure = why
            await asyncio.sleep(again.pause(failure))

    async def status(self) -> Json:
        """The JSON of /api/status."""
        return await self._run(steps.status(self.waits))

    async def models(self) -> Models:
        """The models of the service: its defaults, and every model with its licence and training data."""
        return await self._run(steps.models(self.waits))

    async def train_folder(self, folder: str | pathlib.Path, *, at_once: int = 4,
                           on_photo: Callable[[Lesson, int, int], None] | None = None,
                           **options: Any) -> list[Lesson]:
        """As Client.train_folder. When it raises, no request of it is left running."""
        if at_once < 1:
            raise InvalidArgument("at_once is 1 or more")
        folder_of = photos_below(folder)
        places = asyncio.Semaphore(at_once)
        lessons: list[Lesson] = []
        broken = asyncio.Event()

        def tell(lesson: Lesson) -> None:
            lessons.append(lesson)
            if on_photo:
                on_photo(lesson, len(lessons), folder_of.size)

        async def teach(label: str, path: pathlib.Path) -> None:
            async with places:
                if broken.is_set():
                    return
                try:
                    outcome: Training | Exception = await self.train(label, path, **options)
                except Unusable:
                    broken.set()
                    raise
                except VultusError as failure:
                    outcome = failure
            tell(lesson_of(label, path, outcome))

        for lesson in folder_of.unreadable:
            tell(lesson)
        await self._all_or_none([teach(label, path) for label, path in folder_of.photos], folder_of, lessons)
        return in_order(lessons)

    @staticmethod
    async def _all_or_none(work: list[Coroutine[Any, Any, None]], folder_of: PhotoFolder,
                           lessons: list[Lesson]) -> None:
        """If one fails, cancels the others and then raises."""
        tasks = [asyncio.ensure_future(one) for one in work]
        try:
            await asyncio.gather(*tasks)
        except BaseException as failure:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if isinstance(failure, Unusable):
                failure.lessons = not_tried(folder_of, lessons, failure)
            raise
