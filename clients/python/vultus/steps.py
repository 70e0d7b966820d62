"""The calls as generators that do no input or output: they yield a Call or a Pause, and are given the answer.
client.py and async_client.py carry both out, so that every rule stands here once: which key
goes with which request, when it is sent again, how a job is waited for."""
from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from .errors import JobFailed, Refused, Unreachable
from .types import Change, Collection, Job, Json, Person, Recognition, TrainedFace, Training

Progress = Callable[[Job], None]
Options = Mapping[str, Any]
T = TypeVar("T")

PAUSE_FIRST_S, PAUSE_MOST_S = 0.25, 30.0
WAIT_S = 20                                 # of one long poll; the service allows 30
AGAIN = {429, 502, 503, 504}                # 502 and 504 come from proxies


@dataclass
class Call:
    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] | None = None
    files: list[tuple[str, tuple[str, bytes]]] | None = None
    timeout_s: float = 60.0


@dataclass
class Pause:
    seconds: float


# A generator is resumed with the answer to a Call, or an httpx.TransportError is thrown into it.
Steps = Generator["Call | Pause", "httpx.Response | None", T]


def headers_of(key: str | None) -> dict[str, str]:
    """What every request carries: a key never stands in an address."""
    key = os.environ.get("VULTUS_KEY") if key is None else key
    return {"Authorization": f"Bearer {key}"} if key else {}


def query(collection: str | None, options: Options) -> dict[str, str]:
    texts = {} if collection is None else {"collection": collection}
    for name, value in options.items():
        if value is not None:
            texts[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return texts


def pause_after(answer: httpx.Response | None, tries: int) -> float:
    """What the service asks for, else twice as long each time; with chance, so that clients do not meet."""
    backoff = min(PAUSE_FIRST_S * 2 ** tries, PAUSE_MOST_S) * random.uniform(0.5, 1.0)
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(asked), PAUSE_MOST_S) if asked.isdigit() else backoff


def send(call: Call, patience_s: float) -> Steps[httpx.Response]:
    """Sends until an answer comes that is not "try again"; a key makes that safe for what changes something.
    The pauses together last at most patience_s."""
    if call.method != "GET":
        call.headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
    waited = 0.0
    tries = 0
    while True:
        answer, why = None, "no answer"
        try:
            answer = yield call
            assert answer is not None
            if answer.status_code not in AGAIN:
                if answer.status_code >= 400:
                    raise Refused.of(answer.status_code, json_of(answer))
                return answer
            why = str(Refused.of(answer.status_code, json_of(answer)))
        except httpx.TransportError as failure:
            why = f"{type(failure).__name__}: {failure}"
        seconds = pause_after(answer, tries)
        if waited + seconds > patience_s:
            raise Unreachable(f"{call.method} {call.path}: {why} (waited {waited:.1f} s)")
        yield Pause(seconds)
        waited += seconds
        tries += 1


def json_of(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def get(path: str, params: dict[str, str], patience_s: float) -> Steps[Json]:
    answer = yield from send(Call("GET", path, params), patience_s)
    found: Json = answer.json()
    return found


def wait(job: Job, on_progress: Progress | None, patience_s: float) -> Steps[Job]:
    """Follows a job to its end by long polls; tells every state that it sees."""
    if on_progress:
        on_progress(job)
    path, tag = f"/api/jobs/{job.id}", ""
    while not job.is_finished:
        headers = {"If-None-Match": tag} if tag else {}
        call = Call("GET", path, {"wait": str(WAIT_S)} if tag else {}, headers, timeout_s=WAIT_S + 15)
        answer = yield from send(call, patience_s)
        tag = answer.headers.get("ETag", "")
        if answer.status_code == 304:
            continue
        now = Job.of(answer.json())
        if on_progress and now.state != job.state:
            on_progress(now)
        job = now
    return job


def finish(call: Call, on_progress: Progress | None, patience_s: float) -> Steps[Json]:
    """Submits, waits, and gives the result of a job that succeeded."""
    answer = yield from send(call, patience_s)
    raw = answer.json()
    if "state" not in raw:                     # sent twice, and the job is not kept any more
        raw = yield from get(f"/api/jobs/{raw['id']}", {}, patience_s)
    job = yield from wait(Job.of(raw), on_progress, patience_s)
    if job.state != "succeeded":
        raise JobFailed(job)
    return job.result or {}


def files_of(photos: list[bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (f"{index}", photo)) for index, photo in enumerate(photos)]


def recognise(collection: str, photo: bytes, options: Options, on_progress: Progress | None,
              patience_s: float) -> Steps[Recognition]:
    call = Call("POST", "/api/recognize", query(collection, options), files=files_of([photo]))
    if options.get("durable") is False:
        answer = yield from send(call, patience_s)
        return Recognition.of(answer.json())
    return Recognition.of((yield from finish(call, on_progress, patience_s)))


def train(collection: str, name: str, photos: list[bytes], options: Options, on_progress: Progress | None,
          patience_s: float) -> Steps[Training]:
    call = Call("POST", "/api/train", query(collection, options), data={"name": name}, files=files_of(photos))
    return Training.of((yield from finish(call, on_progress, patience_s)))


def change(method: str, path: str, params: dict[str, str], on_progress: Progress | None,
           patience_s: float) -> Steps[Change]:
    result = yield from finish(Call(method, path, params), on_progress, patience_s)
    faces: int = result["renamed_faces"] if "renamed_faces" in result else result["removed_faces"]
    return Change(result["version"], faces)


def face_path(label: str, face_id: str | None) -> str:
    path = f"/api/faces/{quote(label, safe='')}"
    return f"{path}/{quote(face_id, safe='')}" if face_id else path


def forget(collection: str, label: str, face_id: str | None, on_progress: Progress | None,
           patience_s: float) -> Steps[Change]:
    return change("DELETE", face_path(label, face_id), query(collection, {}), on_progress, patience_s)


def move(path: str, collection: str, label: str, label_to: str, patience_s: float) -> Steps[Change]:
    params = query(collection, {"label": label, "label_to": label_to})
    return change("POST", path, params, None, patience_s)


def clear(collection: str, patience_s: float) -> Steps[Change]:
    return change("POST", "/api/clear", query(collection, {}), None, patience_s)


def delete_collection(collection: str, patience_s: float) -> Steps[Change]:
    return change("DELETE", f"/api/collections/{quote(collection, safe='')}", {}, None, patience_s)


def pages(path: str, params: dict[str, str], member: str, patience_s: float) -> Steps[list[Json]]:
    rows: list[Json] = []
    params = {"page_size": "500", **params}
    while True:
        page = yield from get(path, params, patience_s)
        rows += page[member]
        if not page.get("next_page_token"):
            return rows
        params = {**params, "page_token": page["next_page_token"]}


def people(collection: str, patience_s: float) -> Steps[list[Person]]:
    rows = yield from pages("/api/faces", query(collection, {}), "faces", patience_s)
    return [Person(row["label"], row["count"], row.get("picture_face_id")) for row in rows]


def faces(collection: str, label: str, patience_s: float) -> Steps[list[TrainedFace]]:
    answer = yield from get(face_path(label, None), query(collection, {}), patience_s)
    return [TrainedFace(row["face_id"], row, row.get("picture", False)) for row in answer["faces"]]


def face_picture(collection: str, label: str, face_id: str, patience_s: float) -> Steps[bytes]:
    path = f"{face_path(label, face_id)}/picture"
    return (yield from send(Call("GET", path, query(collection, {})), patience_s)).content


def collections(patience_s: float) -> Steps[list[Collection]]:
    rows = yield from pages("/api/collections", {}, "collections", patience_s)
    return [Collection(row["name"], row["people"], row["faces"], row["version"]) for row in rows]


def retention(method: str, collection: str, days: int | None, patience_s: float) -> Steps[int | None]:
    path = f"/api/collections/{quote(collection, safe='')}/retention"
    answer = yield from send(Call(method, path, query(None, {"days": days})), patience_s)
    holds: int | None = answer.json()["days"]
    return holds


def job(job_id: str, patience_s: float) -> Steps[Job]:
    return Job.of((yield from get(f"/api/jobs/{quote(job_id, safe='')}", {}, patience_s)))


def cancel(job_id: str, patience_s: float) -> Steps[Job]:
    answer = yield from send(Call("DELETE", f"/api/jobs/{quote(job_id, safe='')}"), patience_s)
    return Job.of(answer.json())
