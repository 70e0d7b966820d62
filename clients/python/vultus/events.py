"""The events of all jobs: what a line of the stream means, and when to connect again. Without I/O, for both clients."""
from __future__ import annotations

import time
from dataclasses import dataclass, field

import httpx

from . import steps
from .errors import InvalidResponse, Refused, Unreachable
from .reading import Json, member, rows, value_of

SILENCE_S = 45.0        # the service sends a comment every 15 s
LINE_BYTES = 1_048_576


@dataclass(frozen=True)
class Named:
    label: str
    similarity: float | None

    @classmethod
    def of(cls, raw: Json) -> Named:
        return cls(member(raw, "label", str), member(raw, "similarity", float, None))


@dataclass(frozen=True)
class Event:
    """A job changed its state. What it found is told once it succeeded, to a key that may read the collection's names."""
    job_id: str
    type: str | None             # recognize, train, clear, ...; None from a service that does not tell it
    collection: str | None
    state: str                   # the new one
    before: str                  # "" for a new job
    why: str
    faces: int | None = None     # recognize: in the photo · others: added, removed or renamed
    known: list[Named] | None = None
    ambiguous: list[Named] | None = None
    unknown: int | None = None
    label: str | None = None     # train, rename, merge
    outdated: bool = False       # somebody was removed since, so no name is told: read the job
    raw: Json = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, raw: Json) -> Event:
        def people(name: str) -> list[Named] | None:
            return None if raw.get(name) is None else [Named.of(one) for one in rows(raw, name)]
        return cls(member(raw, "id", str), member(raw, "type", str, None), member(raw, "collection", str, None),
                   member(raw, "to", str), member(raw, "from", str, ""), member(raw, "why", str, ""),
                   member(raw, "faces", int, None), people("known"), people("ambiguous"), member(raw, "unknown", int, None),
                   member(raw, "label", str, None), member(raw, "outdated", bool, False), raw)


class Missed:
    """Events may have been missed: the first of every connection, and after a pause. Read again what you show."""

    def __repr__(self) -> str:
        return "MISSED"


MISSED = Missed()


class EventLines:
    """Server-Sent Events from their lines."""

    def __init__(self) -> None:
        self._kind, self._data = "", ""

    def add(self, line: str) -> Event | Missed | None:
        """What a line completes; None: nothing yet."""
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                self._kind = value
            elif name == "data":
                self._data += value
                if len(self._data) > LINE_BYTES:
                    raise InvalidResponse("GET /api/events: an event is too large")
            return None
        kind, data, self._kind, self._data = self._kind, self._data, "", ""
        if kind == "reread":
            return MISSED
        if kind != "job":
            return None
        found = value_of(data.encode(), "GET /api/events")
        if not isinstance(found, dict):
            raise InvalidResponse("GET /api/events: an event is no object")
        return Event.of(found)


class Reconnecting:
    """Whether and when to connect again. connected() after each line."""

    def __init__(self, waits: steps.Waits) -> None:
        self._waits, self._since, self._tries = waits, time.monotonic(), 0

    def call(self) -> steps.Call:
        return steps.Call("GET", "/api/events", timeout_s=SILENCE_S)

    def connected(self) -> None:
        self._since, self._tries = time.monotonic(), 0

    def check(self, answer: httpx.Response, content: bytes) -> None:
        """Raises Refused or InvalidResponse, or a ConnectError for what is worth another try."""
        steps.judged(steps.Answer(answer.status_code, answer.headers, content, "GET /api/events"))
        if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise InvalidResponse("GET /api/events: the answer is no stream of events")

    def pause(self, failure: Exception | None) -> float:
        """Seconds to wait. Raises what ends the iteration."""
        if isinstance(failure, Refused) and failure.status not in steps.AGAIN:
            raise failure
        gone, seconds = time.monotonic() - self._since, steps.pause_after(None, self._tries)
        if gone + seconds > self._waits.patience_s:
            raise Unreachable(f"GET /api/events: {failure or 'the stream ended'} (tried for {gone:.1f} s)") from failure
        self._tries += 1
        return seconds
