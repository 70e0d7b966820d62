"""The client with threads. steps.py has the rules."""
from __future__ import annotations

import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

import httpx

from . import people, questions, steps
from .events import Event, EventLines, Missed, Reconnecting
from .errors import InvalidArgument, Refused, Unusable, VultusError
from .people import KEEP, PersonRecord
from .photos import Embeddings, Photo, bytes_of, in_order, lesson_of, not_tried, photos_below, vectors_of
from .transport import TimedTransport, Verify, environment, opened, request_for, within
from .types import (Change, Collection, Detection, Job, Json, Lesson, ModelChange, Models, Person, Recognition, TrainedFace,
                    Training, Verification)

T = TypeVar("T")


class Client:
    """One connection pool; may be used by several threads.

    url: http://host:port or https://host; host:port alone is http.
    patience_s: how long a request is retried while the service is unreachable, full or stopping; then Unreachable.
    0: no retry.
    timeout (timeout_s is the same): the time of one attempt from the first byte to the last; photos get a second more
    for each 32 KiB.
    job_s: how long to wait for a job after its acceptance; then JobTimeout.
    key: sent with every request; None: $VULTUS_KEY, if set.
    verify: the certificates that prove an https service: True: those of the system; a path: those in this file; an
    ssl.SSLContext; False: anybody is believed.
    Every error is raised as a VultusError.
    """

    def __init__(self, url: str = "http://127.0.0.1:5000", collection: str = "default", *,
                 key: str | None = None, timeout: float = 60.0, patience_s: float = 60.0, timeout_s: float | None = None,
                 job_s: float = 600.0, verify: Verify = True, transport: httpx.BaseTransport | None = None) -> None:
        self.collection = collection
        self.waits = steps.Waits(patience_s, timeout if timeout_s is None else timeout_s, job_s)
        self._http = opened(httpx.Client, url, key, transport or TimedTransport, verify)

    @classmethod
    def from_env(cls, **more: Any) -> Client:
        """The client that the environment describes: VULTUS_URL, VULTUS_COLLECTION, VULTUS_KEY and VULTUS_CA, a file of
        certificates. Each may be absent; `more` are arguments of the class and come first."""
        return cls(**{**environment(), **more})

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

    def recognize(self, photo: Photo | None = None, *, url: str | None = None, embeddings: bool | Embeddings = False,
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
        return self._run(questions.recognize(self.collection, questions.photos_of(photo, url), given, options,
                                             durable, on_progress, self.waits))

    recognise = recognize  # the former name

    def detect(self, photo: Photo | None = None, *, url: str | None = None, min_face_px: int | None = None, upsample: int | None = None,
               detector: str | None = None, rotate: bool | None = None, durable: bool = True,
               on_progress: steps.Progress | None = None) -> Detection:
        """The faces in the photo: boxes, points and quality, without names and whatever the collection is."""
        options = {"min_face_px": min_face_px, "upsample": upsample, "detector": detector, "rotate": rotate}
        return self._run(questions.detect("/api/detect", None, questions.photos_of(photo, url), options, durable, on_progress,
                                          self.waits))

    def embed(self, photo: Photo | None = None, *, url: str | None = None, embedder: str | None = None, min_face_px: int | None = None,
              upsample: int | None = None, detector: str | None = None, rotate: bool | None = None, durable: bool = True,
              on_progress: steps.Progress | None = None) -> Detection:
        """As detect, with the embedding of each face: by the collection's model, or by `embedder`."""
        options = {"embedder": embedder, "min_face_px": min_face_px, "upsample": upsample, "detector": detector,
                   "rotate": rotate}
        return self._run(questions.detect("/api/embed", self.collection, questions.photos_of(photo, url), options, durable, on_progress,
                                          self.waits))

    def verify(self, *photos: Photo, urls: Sequence[str] = (), person: str | None = None,
               distance_max: float | None = None, similarity_min: float | None = None, embedder: str | None = None,
               min_face_px: int | None = None, upsample: int | None = None, detector: str | None = None,
               rotate: bool | None = None, durable: bool = True,
               on_progress: steps.Progress | None = None) -> Verification:
        """Whether two photos, or one photo and a person of the collection, show the same face. The service fetches `urls`.
        person: a name, or a person_id; Refused, several_people, for a name of more than one."""
        options = {"distance_max": distance_max, "similarity_min": similarity_min, "embedder": embedder,
                   "min_face_px": min_face_px, "upsample": upsample, "detector": detector, "rotate": rotate}
        given = questions.Photos([bytes_of(photo) for photo in photos], list(urls))
        return self._run(questions.verify(self.collection, given, person, options, durable, on_progress, self.waits))

    def train(self, name: str | None = None, *photos: Photo, person_id: str | None = None,
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
        return self._run(questions.train(self.collection, name, given, vectors, options,
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

    def find_people(self, search: str | None = None, *, name: str | None = None,
                    external_id: str | None = None) -> list[PersonRecord]:
        """People with their ids and data: all, or those with a word of the name that begins like `search`, of that exact
        name, or of that external_id."""
        return self._run(people.find(self.collection, search, name, external_id, self.waits))

    def person(self, person_id: str) -> PersonRecord:
        """Refused, not_found, if there is none."""
        return self._run(people.person(self.collection, person_id, self.waits))

    def change_person(self, person_id: str, *, name: str = KEEP, external_id: str | None = KEEP,
                      metadata: Json | None = KEEP, notes: str | None = KEEP) -> PersonRecord:
        """Changes what is given; None removes. Others may have the name, but not the external_id (person_exists)."""
        changes = {"name": name, "external_id": external_id, "metadata": metadata, "notes": notes}
        return self._run(people.change_person(self.collection, person_id, changes, self.waits))

    def forget_person(self, person_id: str, face_id: str | None = None) -> Change:
        """As forget, where a name may be that of several people."""
        return self._run(people.forget(self.collection, person_id, face_id, self.waits))

    def merge_people(self, person_id: str, person_id_to: str) -> Change:
        """As merge. The first person's id and data go."""
        return self._run(people.merge(self.collection, person_id, person_id_to, self.waits))

    def iter_people(self) -> Iterator[Person]:
        """The people of the collection as people(), read page by page."""
        token = ""
        while True:
            found, token = self._run(steps.people_page(self.collection, token, self.waits))
            for one in found:
                yield one
            if not token:
                return

    def iter_jobs(self, *, state: str | None = None, type: str | None = None) -> Iterator[Job]:
        """The jobs that the key may see, newest first and without their results, read page by page."""
        token = ""
        while True:
            found, token = self._run(steps.jobs_page(state, type, token, self.waits))
            for one in found:
                yield one
            if not token:
                return

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

    def events(self) -> Iterator[Event | Missed]:
        """The changes of all jobs as they happen, without an end; MISSED whenever some may have been missed. Connects
        again for patience_s; then Unreachable."""
        again = Reconnecting(self.waits)
        while True:
            failure: Exception | None = None
            try:
                answer = self._http.send(request_for(self._http, again.call(), self.waits), stream=True)
                try:
                    again.check(answer, b"" if answer.is_success else answer.read())
                    lines = EventLines()
                    for line in answer.iter_lines():
                        again.connected()
                        if (found := lines.add(line)) is not None:
                            yield found
                finally:
                    answer.close()
            except (httpx.TransportError, Refused) as why:
                failure = why
            time.sleep(again.pause(failure))

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
