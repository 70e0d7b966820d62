"""What comes back. Plain, frozen; `raw` is the JSON that a thing was made of."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["pending", "running", "delayed", "publishing", "succeeded", "failed", "dead", "cancelled"]
TERMINAL = frozenset({"succeeded", "failed", "dead", "cancelled"})
Json = dict[str, Any]


@dataclass(frozen=True)
class Box:
    """Pixels of the upright picture; may reach outside it; right and bottom are the last pixel inside."""
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Candidate:
    label: str
    distance: float
    face_id: str


@dataclass(frozen=True)
class Face:
    box: Box
    status: Literal["known", "unknown", "ambiguous"]
    label: str | None            # of the winner if ambiguous, None if unknown
    distance: float | None       # None if nobody is taught
    margin: float | None
    detection_score: float
    landmarks: list[tuple[float, float]]
    candidates: list[Candidate]
    embedding: list[float] | None = None


@dataclass(frozen=True)
class Recognition:
    width: int
    height: int
    faces: list[Face]
    gallery_version: int
    timing_ms: dict[str, float]
    raw: Json = field(repr=False)

    @classmethod
    def of(cls, raw: Json) -> Recognition:
        faces = [Face(Box(**one["box"]), one["status"], one["label"], one["distance"], one["margin"],
                      one["detection_score"], [(x, y) for x, y in one["landmarks"]],
                      [Candidate(**near) for near in one["candidates"]], one.get("embedding"))
                 for one in raw["faces"]]
        return cls(raw["image"]["width"], raw["image"]["height"], faces, raw["gallery"]["version"],
                   raw["timing_ms"], raw)


@dataclass(frozen=True)
class TrainedPhoto:
    index: int
    accepted: bool
    face_id: str | None
    reason: str | None
    taught_before: bool = False  # face_id is the face from then


@dataclass(frozen=True)
class Training:
    photos: list[TrainedPhoto]
    version: int
    superseded: bool             # a later clear or forget came first: nothing was added

    @classmethod
    def of(cls, raw: Json) -> Training:
        photos = [TrainedPhoto(one["index"], one["state"] == "accepted", one.get("face_id"), one.get("reason"),
                               one.get("taught_before", False))
                  for one in raw["files"]]
        return cls(photos, raw["version"], raw.get("superseded", False))


@dataclass(frozen=True)
class Change:
    version: int                 # no answer that leaves the service from now on is older
    faces: int                   # removed, or renamed


@dataclass(frozen=True)
class Person:
    label: str
    count: int
    picture_face_id: str | None = None  # a face whose picture is kept: face_picture(label, …)


@dataclass(frozen=True)
class TrainedFace:
    face_id: str
    raw: Json = field(repr=False)
    picture: bool = False        # whether face_picture(label, face_id) has one


@dataclass(frozen=True)
class Collection:
    name: str
    people: int
    faces: int
    version: int


@dataclass(frozen=True)
class Lesson:
    """One photo of a folder: `learned`, or why not."""
    label: str
    path: str
    learned: bool
    reason: str | None = None


@dataclass(frozen=True)
class Job:
    id: str
    type: str
    state: State
    collection: str
    attempt: int
    label: str | None
    result: Json | None = field(repr=False)
    error_code: str
    error_detail: str
    raw: Json = field(repr=False)

    @property
    def is_finished(self) -> bool:
        return self.state in TERMINAL

    @classmethod
    def of(cls, raw: Json) -> Job:
        error = raw.get("error") or {}
        return cls(raw["id"], raw["type"], raw["state"], raw["collection"], raw["attempt"], raw.get("label"),
                   raw.get("result"), error.get("code", ""), error.get("detail", ""), raw)
