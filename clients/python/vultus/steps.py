"""The calls as generators without I/O: they yield a Call or a Pause, and get the answer. client.py and async_client.py
execute both, so that every rule is here once: which key goes with which request, when a request is repeated, how to
wait for a job."""
from __future__ import annotations

import email.utils
import math
import os
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from .errors import InvalidArgument, InvalidResponse, JobFailed, JobTimeout, Refused, Unreachable
from .reading import Json, member, rows, shown, value_of
from .types import Change, Collection, Job, ModelChange, Models, Person, TrainedFace

Progress = Callable[[Job], None]
Options = Mapping[str, Any]
T = TypeVar("T")

PAUSE_FIRST_S, PAUSE_MOST_S = 0.25, 30.0
PAUSE_LEAST_S = 0.1                         # even if Retry-After is shorter
DOUBLED_MOST = 7                            # after that the longest pause is reached
WAIT_S = 20                                 # of one long poll; the service allows 30
ANSWER_BYTES = 64 * 1024 * 1024
JPEG_BEGINS = b"\xff\xd8"
PAGES = 20_000                              # of one list, 500 rows each
AGAIN = {429, 502, 503, 504}                # 502 and 504 come from proxies


@dataclass(frozen=True)
class Waits:
    """The times to wait; see Client."""
    patience_s: float = 60.0
    timeout_s: float = 60.0
    job_s: float = 600.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            good = isinstance(value, (int, float)) and 0 <= value < math.inf
            if not good or (name == "timeout_s" and value == 0):
                raise InvalidArgument(f"{name} is a number of seconds, not {value!r}")


@dataclass
class Call:
    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] | None = None
    files: list[tuple[str, tuple[str | None, bytes]]] | None = None
    json: Json | None = None
    timeout_s: float | None = None          # of the whole request; None: the client's


@dataclass
class Pause:
    seconds: float


@dataclass(frozen=True)
class Answer:
    """A complete answer; json() raises InvalidResponse."""
    status: int
    headers: Mapping[str, str]
    content: bytes
    about: str

    def json(self) -> Json:
        found = value_of(self.content, self.about)
        if not isinstance(found, dict):
            raise InvalidResponse(f"{self.about}: the answer is {shown(found)}, not an object")
        return found


# A generator is resumed with the answer to a Call, or an httpx.HTTPError is thrown into it.
Steps = Generator["Call | Pause", "Answer | None", T]


def headers_of(key: str | None) -> dict[str, str]:
    """The headers of every request: a key is never part of a URL."""
    key = os.environ.get("VULTUS_KEY", "").strip() if key is None else key
    if not isinstance(key, str) or not all("!" <= one <= "~" for one in key):
        raise InvalidArgument("a key has visible ASCII characters only: vultus_...")
    return {"Authorization": f"Bearer {key}"} if key else {}


def base_of(url: str) -> str:
    """The URL for httpx; host[:port] is http, as for the other clients."""
    try:
        text = url if "://" in url else f"http://{url}"
        parsed = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError, UnicodeError) as failure:
        raise InvalidArgument(f"no address of a service: {url!r}: {failure}") from failure
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise InvalidArgument(f"an address is like http://127.0.0.1:5000 or https://host, not {url!r}")
    return text


def deadline_of(call: Call, timeout_s: float) -> float:
    """The time-out of the whole request: photos get more, at 32 KiB a second."""
    sent = sum(len(file[1][1]) for file in call.files or [])
    return (timeout_s if call.timeout_s is None else call.timeout_s) + sent / 32_768


def request_of(call: Call, timeout_s: float) -> dict[str, Any]:
    longest = deadline_of(call, timeout_s)
    return {"method": call.method, "url": call.path, "params": call.params, "headers": call.headers,
            "data": call.data, "files": call.files, "json": call.json,
            "timeout": httpx.Timeout(longest, connect=min(longest, 10.0))}


class Collecting:
    """Collects the body of an answer, up to a limit."""

    def __init__(self, call: Call, answer: httpx.Response, end: float) -> None:
        self._call, self._answer, self._end, self._body = call, answer, end, bytearray()

    def add(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > ANSWER_BYTES:
            raise InvalidResponse(f"{self._call.method} {self._call.path}: the answer is too large")
        if time.monotonic() > self._end:
            raise httpx.ReadTimeout("the whole answer did not come in time")

    def whole(self) -> Answer:
        return Answer(self._answer.status_code, self._answer.headers, bytes(self._body),
                      f"{self._call.method} {self._call.path}")


def query(collection: str | None, options: Options) -> dict[str, str]:
    texts = {} if collection is None else {"collection": collection}
    for name, value in options.items():
        if value is not None:
            texts[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return texts


def asked_pause(text: str) -> float | None:
    """Retry-After: seconds, or a date."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def pause_after(answer: Answer | None, tries: int) -> float:
    """Retry-After, else an exponential back-off; with jitter, so that clients do not retry at the same time."""
    longest: float = PAUSE_FIRST_S * 2 ** min(tries, DOUBLED_MOST)
    backoff = min(longest, PAUSE_MOST_S) * random.uniform(0.5, 1.0)
    asked = asked_pause(answer.headers.get("Retry-After", "")) if answer is not None else None
    if asked is None:
        return backoff
    # A Retry-After of 0 is used once; then the pauses grow.
    return min(max(asked, PAUSE_LEAST_S if tries == 0 else min(backoff, 1.0)), PAUSE_MOST_S)


def problem_of(answer: Answer) -> Any:
    try:
        return value_of(answer.content, answer.about)
    except InvalidResponse:
        return None


def judged(answer: Answer) -> Answer:
    """The answer, if it is from Vultus and not "try again"."""
    if 200 <= answer.status < 300 or answer.status == 304:
        return answer
    if answer.status < 400:
        where = answer.headers.get("Location", "")
        raise InvalidResponse(f"{answer.about}: the service answered {answer.status}" +
                              (f" and sends to {shown(where)}: use that address" if where else ""))
    raise Refused.of(answer.status, problem_of(answer))


def send(call: Call, waits: Waits) -> Steps[Answer]:
    """Repeats the request until the answer is not "try again"; an Idempotency-Key makes that safe for changes.
    After patience_s no further attempt begins."""
    if call.method != "GET":
        call.headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
    begin = time.monotonic()
    waited = 0.0
    tries = 0
    while True:
        answer, why = None, "no answer"
        try:
            answer = yield call
            assert answer is not None
            if answer.status not in AGAIN:
                return judged(answer)
            why = str(Refused.of(answer.status, problem_of(answer)))
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as failure:
            raise InvalidArgument(f"{call.method} {call.path}: {failure}") from failure
        except httpx.TransportError as failure:
            why = f"{type(failure).__name__}: {failure}"
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            raise InvalidResponse(f"{call.method} {call.path}: {failure}") from failure
        seconds = pause_after(answer, tries)
        gone = max(waited, time.monotonic() - begin)
        if gone + seconds > waits.patience_s:
            raise Unreachable(f"{call.method} {call.path}: {why} (tried for {gone:.1f} s)")
        yield Pause(seconds)
        waited += seconds
        tries += 1


def get(path: str, params: dict[str, str], waits: Waits) -> Steps[Json]:
    answer = yield from send(Call("GET", path, params), waits)
    return answer.json()


def status(waits: Waits) -> Steps[Json]:
    found = yield from get("/api/status", {}, waits)
    member(found, "state", str)
    return found


def models(waits: Waits) -> Steps[Models]:
    return Models.of((yield from get("/api/models", {}, waits)))


def wait(job: Job, on_progress: Progress | None, waits: Waits) -> Steps[Job]:
    """Follows a job to its end by long polls and yields every new state. Pauses after an unchanged answer, unless the
    service has held the poll."""
    if on_progress:
        on_progress(job)
    path, tag = f"/api/jobs/{part(job.id)}", ""
    begin, waited, idle = time.monotonic(), 0.0, 0
    while not job.is_finished:
        asked = time.monotonic()
        if max(waited, asked - begin) >= waits.job_s:
            raise JobTimeout(job, waits.job_s)
        headers = {"If-None-Match": tag} if tag else {}
        call = Call("GET", path, {"wait": str(WAIT_S)} if tag else {}, headers,
                    timeout_s=WAIT_S + min(15.0, waits.timeout_s))
        answer = yield from send(call, waits)
        had_tag, tag = bool(tag), answer.headers.get("ETag", "")
        now = job if answer.status == 304 else Job.of(answer.json())
        if on_progress and now.state != job.state:
            on_progress(now)
        news, job = now.state != job.state, now
        idle = 0 if news else idle + 1
        # The first answer has the tag. A later unchanged answer that came at once was not held.
        if not job.is_finished and not news and (idle > 1 or not tag) and time.monotonic() - asked < 1.0:
            seconds = pause_after(None, min(idle, 4) + had_tag)
            yield Pause(seconds)
            waited += seconds
    return job


def finish(call: Call, on_progress: Progress | None, waits: Waits) -> Steps[Json]:
    """Submits, waits, and returns the result of a job that succeeded."""
    answer = yield from send(call, waits)
    raw = answer.json()
    if "state" not in raw:                     # sent twice, and the job is no longer stored
        raw = yield from get(f"/api/jobs/{part(member(raw, 'id', str))}", {}, waits)
    job = yield from wait(Job.of(raw), on_progress, waits)
    if job.state != "succeeded":
        raise JobFailed(job)
    return job.result or {}


def part(text: str) -> str:
    """A name as one segment of a path."""
    try:
        made = quote(text, safe="")
    except (TypeError, UnicodeError) as failure:
        raise InvalidArgument(f"no name that can be sent: {text!r}: {failure}") from failure
    if not made:
        raise InvalidArgument("a name is missing")
    return made.replace(".", "%2E") if made in (".", "..") else made


def files_of(photos: list[bytes], urls: list[str]) -> list[tuple[str, tuple[str | None, bytes]]]:
    """Parts of a form: files, and fields with URLs that the service fetches (api.fetch_urls)."""
    files: list[tuple[str, tuple[str | None, bytes]]] = [
        ("file", (f"{index}", photo)) for index, photo in enumerate(photos)]
    try:
        return files + [("url", (None, url.encode())) for url in urls]
    except (AttributeError, UnicodeError) as failure:
        raise InvalidArgument(f"no URL that can be sent: {failure}") from failure


def change(method: str, path: str, params: dict[str, str], on_progress: Progress | None,
           waits: Waits) -> Steps[Change]:
    result = yield from finish(Call(method, path, params), on_progress, waits)
    return Change.of(result)


def face_path(label: str, face_id: str | None) -> str:
    path = f"/api/faces/{part(label)}"
    return path if face_id is None else f"{path}/{part(face_id)}"


def forget(collection: str, label: str, face_id: str | None, on_progress: Progress | None,
           waits: Waits) -> Steps[Change]:
    return change("DELETE", face_path(label, face_id), query(collection, {}), on_progress, waits)


def move(path: str, collection: str, label: str, label_to: str, waits: Waits) -> Steps[Change]:
    params = query(collection, {"label": label, "label_to": label_to})
    return change("POST", path, params, None, waits)


def clear(collection: str, waits: Waits) -> Steps[Change]:
    return change("POST", "/api/clear", query(collection, {}), None, waits)


def delete_collection(collection: str, waits: Waits) -> Steps[Change]:
    return change("DELETE", f"/api/collections/{part(collection)}", {}, None, waits)


def page(path: str, params: dict[str, str], name: str, waits: Waits) -> Steps[tuple[list[Json], str]]:
    """One page, and the token of the next; "": it is the last."""
    found = yield from get(path, {"page_size": "500", **params}, waits)
    token = member(found, "next_page_token", str, "")
    if token and token == params.get("page_token"):
        raise InvalidResponse(f"GET {path}: the list goes round in a circle")
    return rows(found, name), token


def pages(path: str, params: dict[str, str], name: str, waits: Waits) -> Steps[list[Json]]:
    found: list[Json] = []
    for _ in range(PAGES):
        some, token = yield from page(path, params, name, waits)
        found += some
        if not token:
            return found
        params = {**params, "page_token": token}
    raise InvalidResponse(f"GET {path}: the list has no end")


def people(collection: str, waits: Waits) -> Steps[list[Person]]:
    found = yield from pages("/api/faces", query(collection, {}), "faces", waits)
    return [Person.of(row) for row in found]


def people_page(collection: str, token: str, waits: Waits) -> Steps[tuple[list[Person], str]]:
    some, token = yield from page("/api/faces", query(collection, {"page_token": token or None}), "faces", waits)
    return [Person.of(row) for row in some], token


def jobs_page(state: str | None, kind: str | None, token: str, waits: Waits) -> Steps[tuple[list[Job], str]]:
    params = query(None, {"state": state, "type": kind, "page_token": token or None})
    some, token = yield from page("/api/jobs", params, "jobs", waits)
    return [Job.of(row) for row in some], token


def faces(collection: str, label: str, waits: Waits) -> Steps[list[TrainedFace]]:
    answer = yield from get(face_path(label, None), query(collection, {}), waits)
    return [TrainedFace.of(row) for row in rows(answer, "faces")]


def face_picture(collection: str, label: str, face_id: str, waits: Waits) -> Steps[bytes]:
    path = f"{face_path(label, face_id)}/picture"
    answer = yield from send(Call("GET", path, query(collection, {})), waits)
    if not answer.content.startswith(JPEG_BEGINS):
        raise InvalidResponse(f"GET {path}: the answer is no JPEG")
    return answer.content


def collections(waits: Waits) -> Steps[list[Collection]]:
    found = yield from pages("/api/collections", {}, "collections", waits)
    return [Collection.of(row) for row in found]


def retention(method: str, collection: str, days: int | None, waits: Waits) -> Steps[int | None]:
    path = f"/api/collections/{part(collection)}/retention"
    answer = yield from send(Call(method, path, query(None, {"days": days})), waits)
    raw = answer.json()
    return None if raw.get("days", "missing") is None else member(raw, "days", int)


def pictures(method: str, collection: str, keep: bool | None, waits: Waits) -> Steps[bool | None]:
    path = f"/api/collections/{part(collection)}/pictures"
    answer = yield from send(Call(method, path, query(None, {"keep": keep})), waits)
    raw = answer.json()
    return None if raw.get("keep", "missing") is None else member(raw, "keep", bool)


def change_model(collection: str, embedder: str, forget_without_pictures: bool,
                 on_progress: Progress | None, waits: Waits) -> Steps[ModelChange]:
    path = f"/api/collections/{part(collection)}/model"
    options = {"embedder": embedder, "without_pictures": "forget" if forget_without_pictures else "refuse"}
    return ModelChange.of((yield from finish(Call("POST", path, query(None, options)), on_progress, waits)))


def job(job_id: str, waits: Waits) -> Steps[Job]:
    return Job.of((yield from get(f"/api/jobs/{part(job_id)}", {}, waits)))


def cancel(job_id: str, waits: Waits) -> Steps[Job]:
    answer = yield from send(Call("DELETE", f"/api/jobs/{part(job_id)}"), waits)
    return Job.of(answer.json())
