"""The client with asyncio. steps.py has the rules."""
from __future__ import annotations

import asyncio
import pathlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx

from . import steps
from .errors import InvalidArgument, Unusable, VultusError
from .photos import Photo, PhotoFolder, bytes_of, in_order, lesson_of, not_tried, photos_below
from .transport import opened, request_for
from .types import (Change, Collection, Job, Json, Lesson, ModelChange, Models, Person, Recognition, TrainedFace,
                    Training)

T = TypeVar("T")


class AsyncClient:
    """As Client; every method returns an awaitable."""

    def __init__(self, url: str = "http://127.0.0.1:5000", collection: str = "default", *,
                 key: str | None = None, patience_s: float = 60.0, timeout_s: float = 60.0, job_s: float = 600.0,
                 transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.collection, self.waits = collection, steps.Waits(patience_s, timeout_s, job_s)
        self._http = opened(httpx.AsyncClient, url, key, transport)

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

    async def recognize(self, photo: Photo, *, on_progress: steps.Progress | None = None, **options: Any) -> Recognition:
        """Recognizes the faces in the photo. options: k, distance_max or similarity_min, min_face_px, upsample,
        detector (None: the service's default), rotate, embeddings, and durable=False: answered at once, nothing is
        stored."""
        return await self._run(steps.recognize(self.collection, bytes_of(photo), options, on_progress, self.waits))

    recognise = recognize  # the former name

    async def train(self, name: str, *photos: Photo, on_progress: steps.Progress | None = None,
                    **options: Any) -> Training:
        """Trains a person with 1 to 16 photos, exactly one face in each. JobFailed if none could be used; its
        job.verdicts have the reasons. options: quality ("standard" or "strict": also refuses bad photos and faces that look
        like somebody else's), detector, min_face_px, rotate, num_jitters."""
        return await self._run(steps.train(self.collection, name, [bytes_of(photo) for photo in photos], options,
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
