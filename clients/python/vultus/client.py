"""The client with threads. steps.py has the rules."""
from __future__ import annotations

import pathlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

import httpx

from . import steps
from .errors import InvalidArgument, Unusable, VultusError
from .photos import Photo, bytes_of, in_order, lesson_of, not_tried, photos_below
from .transport import TimedTransport, opened, request_for, within
from .types import (Change, Collection, Job, Json, Lesson, ModelChange, Models, Person, Recognition, TrainedFace,
                    Training)

T = TypeVar("T")


class Client:
    """One connection pool; may be used by several threads.

    url: http://host:port or https://host; host:port alone is http.
    patience_s: how long a request is retried while the service is unreachable, full or stopping; then Unreachable.
    0: no retry.
    timeout_s: the time of one attempt from the first byte to the last; photos get a second more for each 32 KiB.
    job_s: how long to wait for a job after its acceptance; then JobTimeout.
    key: sent with every request; None: $VULTUS_KEY, if set.
    Every error is raised as a VultusError.
    """

    def __init__(self, url: str = "http://127.0.0.1:5000", collection: str = "default", *,
                 key: str | None = None, patience_s: float = 60.0, timeout_s: float = 60.0, job_s: float = 600.0,
                 transport: httpx.BaseTransport | None = None) -> None:
        self.collection, self.waits = collection, steps.Waits(patience_s, timeout_s, job_s)
        self._http = opened(httpx.Client, url, key, transport or TimedTransport)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _run(self, what: steps.Steps[T]) -> T:
        try:
            step = next(what)
            while True:
                if isinstance(step, steps.Pause):
                    time.sleep(step.seconds)
                    step = what.send(None)
                    continue
                try:
                    answer = self._ask(step)
                except (httpx.HTTPError, httpx.InvalidURL) as failure:
                    step = what.throw(failure)
                else:
                    step = what.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _ask(self, call: steps.Call) -> steps.Answer:
        request, seconds = request_for(self._http, call, self.waits), steps.deadline_of(call, self.waits.timeout_s)
        with within(seconds):
            answer = self._http.send(request, stream=True)
            try:
                body = steps.Collecting(call, answer, time.monotonic() + seconds)
                for chunk in answer.iter_bytes():
                    body.add(chunk)
                return body.whole()
            finally:
                answer.close()

    def recognize(self, photo: Photo, *, on_progress: steps.Progress | None = None, **options: Any) -> Recognition:
        """Recognizes the faces in the photo. options: k, distance_max or similarity_min, min_face_px, upsample,
        detector (None: the service's default), rotate, embeddings, and durable=False: answered at once, nothing is
        stored."""
        return self._run(steps.recognize(self.collection, bytes_of(photo), options, on_progress, self.waits))

    recognise = recognize  # the former name

    def train(self, name: str, *photos: Photo, on_progress: steps.Progress | None = None,
              **options: Any) -> Training:
        """Trains a person with 1 to 16 photos, exactly one face in each. JobFailed if none could be used; its
        job.verdicts have the reasons. options: quality ("standard" or "strict": also refuses bad photos and faces that look
        like somebody else's), detector, min_face_px, rotate, num_jitters."""
        return self._run(steps.train(self.collection, name, [bytes_of(photo) for photo in photos], options,
                                     on_progress, self.waits))

    def forget(self, label: str, face_id: str | None = None, *,
               on_progress: steps.Progress | None = None) -> Change:
        """Removes a person, or one face of a person."""
        return self._run(steps.forget(self.collection, label, face_id, on_progress, self.waits))

    def rename(self, label: str, label_to: str) -> Change:
        """Refused, wrong_state, if another person has the new name: use merge."""
        return self._run(steps.move("/api/rename", self.collection, label, label_to, self.waits))

    def merge(self, label: str, label_to: str) -> Change:
        """Merges one person into another."""
        return self._run(steps.move("/api/merge", self.collection, label, label_to, self.waits))

    def clear(self) -> Change:
        """Removes all people of the collection."""
        return self._run(steps.clear(self.collection, self.waits))

    def delete_collection(self) -> Change:
        """As clear, and removes the collection from the list."""
        return self._run(steps.delete_collection(self.collection, self.waits))

    def people(self) -> list[Person]:
        """The people of the collection, in the order of the names' bytes."""
        return self._run(steps.people(self.collection, self.waits))

    def faces(self, label: str) -> list[TrainedFace]:
        """The trained faces of one person."""
        return self._run(steps.faces(self.collection, label, self.waits))

    def face_picture(self, label: str, face_id: str) -> bytes:
        """The picture of a face, a JPEG of at most 256 pixels a side. Refused, not_found, if none is stored."""
        return self._run(steps.face_picture(self.collection, label, face_id, self.waits))

    def collections(self) -> list[Collection]:
        """All collections of the service."""
        return self._run(steps.collections(self.waits))

    def retention(self) -> int | None:
        """After how many days without being seen a person is removed; None: never."""
        return self._run(steps.retention("GET", self.collection, None, self.waits))

    def set_retention(self, days: int | None) -> int | None:
        """Sets the retention; None removes it. The time of all people begins at the first call."""
        method = "DELETE" if days is None else "POST"
        return self._run(steps.retention(method, self.collection, days, self.waits))

    def pictures(self) -> bool | None:
        """Whether pictures of trained faces are kept; None: the setting of the workers decides."""
        return self._run(steps.pictures("GET", self.collection, None, self.waits))

    def set_pictures(self, keep: bool | None) -> bool | None:
        """Chooses whether pictures are kept; False removes those that are stored, None leaves it to the workers."""
        method = "DELETE" if keep is None else "POST"
        return self._run(steps.pictures(method, self.collection, keep, self.waits))

    def change_model(self, embedder: str, *, forget_without_pictures: bool = False,
                     on_progress: steps.Progress | None = None) -> ModelChange:
        """Embeds all faces again, from their pictures, with another model, such as "omz_0095/unit". Faces without a
        picture are refused (wrong_state), or removed."""
        return self._run(steps.change_model(self.collection, embedder, forget_without_pictures, on_progress, self.waits))

    def job(self, job_id: str) -> Job:
        """The current state of a job."""
        return self._run(steps.job(job_id, self.waits))

    def wait(self, job: Job, on_progress: steps.Progress | None = None) -> Job:
        """Waits for the end of a job, successful or not."""
        return self._run(steps.wait(job, on_progress, self.waits))

    def cancel(self, job_id: str) -> Job:
        """Cancels a job. Refused, already_terminal, if it has ended."""
        return self._run(steps.cancel(job_id, self.waits))

    def status(self) -> Json:
        """The JSON of /api/status."""
        return self._run(steps.status(self.waits))

    def models(self) -> Models:
        """The models of the service: its defaults, and every model with its licence and training data."""
        return self._run(steps.models(self.waits))

    def train_folder(self, folder: str | pathlib.Path, *, at_once: int = 4,
                     on_photo: Callable[[Lesson, int, int], None] | None = None, **options: Any) -> list[Lesson]:
        """Trains with every name/photo.jpg below the folder; each photo gets its own verdict, also one that cannot be read
        or sent. on_photo(lesson, done, of) is called for each, in this thread. Raises Unreachable if the service stays
        unreachable, InvalidResponse if it is not Vultus: both have the lessons so far."""
        if at_once < 1:
            raise InvalidArgument("at_once is 1 or more")
        folder_of = photos_below(folder)
        lessons: list[Lesson] = []
        broken = threading.Event()

        def tell(lesson: Lesson) -> None:
            lessons.append(lesson)
            if on_photo:
                on_photo(lesson, len(lessons), folder_of.size)

        def teach(label: str, path: pathlib.Path) -> Lesson | None:
            if broken.is_set():
                return None
            try:
                return lesson_of(label, path, self.train(label, path, **options))
            except Unusable:
                broken.set()
                raise
            except VultusError as failure:
                return lesson_of(label, path, failure)

        for lesson in folder_of.unreadable:
            tell(lesson)
        with ThreadPoolExecutor(at_once) as pool:
            running = [pool.submit(teach, label, path) for label, path in folder_of.photos]
            try:
                for done in as_completed(running):
                    if lesson_or_none := done.result():
                        tell(lesson_or_none)
            except BaseException as failure:
                broken.set()
                pool.shutdown(wait=True, cancel_futures=True)  # requests in progress end first
                if isinstance(failure, Unusable):
                    known = {lesson.path for lesson in lessons}
                    lessons += [one for one in map(outcome_of, running) if one and one.path not in known]
                    failure.lessons = not_tried(folder_of, lessons, failure)
                raise
        return in_order(lessons)


def outcome_of(one: Future[Lesson | None]) -> Lesson | None:
    return one.result() if one.done() and not one.cancelled() and one.exception() is None else None
