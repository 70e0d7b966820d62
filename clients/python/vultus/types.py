"""The results, as frozen data classes; `raw` is the JSON of the service."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from .errors import InvalidResponse
from .reading import Json, member, numbers, rows, shown

State = Literal["pending", "running", "delayed", "publishing", "succeeded", "failed", "dead", "cancelled"]
TERMINAL = frozenset({"succeeded", "failed", "dead", "cancelled"})
STATES = TERMINAL | {"pending", "running", "delayed", "publishing"}


@dataclass(frozen=True)
class Box:
    """Pixels of the upright picture; may extend beyond it; right and bottom are inclusive."""
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, raw: Any) -> Box:
        return cls(member(raw, "left", int), member(raw, "top", int), member(raw, "right", int),
                   member(raw, "bottom", int))


@dataclass(frozen=True)
class Candidate:
    label: str
    distance: float
    face_id: str
    similarity: float | None = None  # None from a service that does not state it
    person_id: str | None = None
    name_shared: bool = False        # other people have the name, too: tell them apart by person_id

    @classmethod
    def of(cls, raw: Json) -> Candidate:
        return cls(member(raw, "label", str), member(raw, "distance", float), member(raw, "face_id", str),
                   member(raw, "similarity", float, None), member(raw, "person_id", str, None),
                   member(raw, "name_shared", bool, False))


@dataclass(frozen=True)
class Quality:
    """How well the photo shows a face; docs/http.md explains each measure."""
    score: float                 # 0..1, of all of them
    size_px: float
    sharpness: float             # 0..1
    brightness: float            # 0..1
    yaw: float                   # degrees, as the next two
    pitch: float
    roll: float

    @classmethod
    def of(cls, raw: Json) -> Quality | None:
        """That of a face or a photo; None from a service that does not measure it."""
        found: Json | None = member(raw, "quality", dict, None)
        return None if found is None else cls(**{name: member(found, name, float) for name in cls.__annotations__})


@dataclass(frozen=True)
class SeenFace:
    """A face in a photo, without a name."""
    box: Box
    detection_score: float
    landmarks: list[tuple[float, float]]
    quality: Quality
    embedding: list[float] | None = field(default=None, repr=False)  # of embed

    @classmethod
    def of(cls, raw: Json) -> SeenFace:
        quality = Quality.of(raw)
        if quality is None:
            raise InvalidResponse("the answer has a face without quality")
        return cls(Box.of(member(raw, "box", dict)), member(raw, "detection_score", float),
                   points(member(raw, "landmarks", list)), quality,
                   numbers(raw, "embedding") if raw.get("embedding") is not None else None)


@dataclass(frozen=True)
class Detection:
    """The faces of one photo; those of embed with their embeddings."""
    width: int
    height: int
    faces: list[SeenFace]
    detector: str
    raw: Json = field(repr=False)
    embedder: str | None = None  # of embed, as the next one
    dimension: int | None = None

    @classmethod
    def of(cls, raw: Json) -> Detection:
        image, models = member(raw, "image", dict), member(raw, "models", dict)
        return cls(member(image, "width", int), member(image, "height", int),
                   [SeenFace.of(one) for one in rows(raw, "faces")], member(models, "detector", str), raw,
                   member(models, "embedding", str, None), member(raw, "dimension", int, None))


@dataclass(frozen=True)
class Verification:
    """The nearest pair of faces answers: `face` of the first photo with `other_face` of the second, or with the trained
    face `face_id` of the person."""
    same: bool
    distance: float | None       # None: the person has no face of that model
    similarity: float | None
    distance_max: float
    false_match_rate: float | None  # of one comparison within distance_max; None: not measured
    comparisons: int
    face: int | None
    other_face: int | None
    face_id: str | None
    photos: list[list[SeenFace]]
    raw: Json = field(repr=False)
    label: str | None = None      # of the person, where one was named
    person_id: str | None = None
    name_shared: bool = False     # as of Candidate

    @classmethod
    def of(cls, raw: Json) -> Verification:
        person: Json = member(raw, "person", dict, {})
        pair: Json = member(raw, "compared", dict, {})
        return cls(member(raw, "same", bool), member(raw, "distance", float, None), member(raw, "similarity", float, None),
                   member(raw, "distance_max", float), member(raw, "false_match_rate", float, None),
                   member(raw, "comparisons", int), member(pair, "face", int, None), member(pair, "other_face", int, None),
                   member(pair, "face_id", str, None),
                   [[SeenFace.of(one) for one in rows(photo, "faces")] for photo in rows(raw, "photos")], raw,
                   member(person, "label", str, None), member(person, "person_id", str, None),
                   member(person, "name_shared", bool, False))


@dataclass(frozen=True)
class Face:
    box: Box | None              # None, as the score and the landmarks, where an embedding was given instead of a photo
    status: Literal["known", "unknown", "ambiguous"]
    label: str | None            # of the winner if ambiguous, None if unknown
    distance: float | None       # None if the gallery is empty
    margin: float | None
    detection_score: float | None
    landmarks: list[tuple[float, float]]  # by which the face was aligned
    candidates: list[Candidate]
    embedding: list[float] | None = None
    similarity: float | None = None  # of that distance: 0.5 at the service's threshold, whatever the model
    quality: Quality | None = None   # None from a service that does not measure it
    person_id: str | None = None     # of label, which several people may have
    name_shared: bool = False        # as of Candidate

    @classmethod
    def of(cls, raw: Json) -> Face:
        status = member(raw, "status", str)
        if status not in ("known", "unknown", "ambiguous"):
            raise InvalidResponse(f"the answer has a face of status {shown(status)}")
        embedding = numbers(raw, "embedding") if raw.get("embedding") is not None else None
        seen = raw.get("box") is not None
        return cls(Box.of(member(raw, "box", dict)) if seen else None, cast(Any, status), member(raw, "label", str, None),
                   member(raw, "distance", float, None), member(raw, "margin", float, None),
                   member(raw, "detection_score", float) if seen else None,
                   points(member(raw, "landmarks", list)) if seen else [],
                   [Candidate.of(near) for near in rows(raw, "candidates")], embedding,
                   member(raw, "similarity", float, None), Quality.of(raw), member(raw, "person_id", str, None),
                   member(raw, "name_shared", bool, False))


def points(raw: list[Any]) -> list[tuple[float, float]]:
    found = [(numbers({"landmarks": one}, "landmarks")) for one in raw]
    if any(len(one) != 2 for one in found):
        raise InvalidResponse("the answer's landmarks are not points")
    return [(x, y) for x, y in found]


@dataclass(frozen=True)
class Recognition:
    width: int                   # 0, as the height, where embeddings were given instead of a photo
    height: int
    faces: list[Face]
    gallery_version: int
    timing_ms: dict[str, float]
    raw: Json = field(repr=False)
    min_face_px: int = 0         # the smallest face that was searched for; 0: an older service

    @classmethod
    def of(cls, raw: Json) -> Recognition:
        image: Json = member(raw, "image", dict, {})
        timing: dict[str, float] = member(raw, "timing_ms", dict)
        return cls(member(image, "width", int, 0), member(image, "height", int, 0),
                   [Face.of(one) for one in rows(raw, "faces")],
                   member(member(raw, "gallery", dict), "version", int), timing, raw,
                   member(raw, "min_face_px", int, 0))


@dataclass(frozen=True)
class Model:
    name: str
    kind: str                    # detector, embedder or landmarks
    licence: str | None          # None: the service knows nothing about it
    training: str | None
    workers: int                 # that have it
    embedders: list[str]         # the names of its embedders, as workers offer them

    @classmethod
    def of(cls, raw: Json) -> Model:
        return cls(member(raw, "name", str), member(raw, "kind", str), member(raw, "licence", str, None),
                   member(raw, "training", str, None), member(raw, "workers", int),
                   [one for one in member(raw, "embedders", list, []) if isinstance(one, str)])


@dataclass(frozen=True)
class Models:
    detector: str | None         # of a request that names none; None: no worker has registered yet
    embedder: str | None         # of a collection without faces
    models: list[Model]

    @classmethod
    def of(cls, raw: Json) -> Models:
        defaults = member(raw, "defaults", dict)
        return cls(member(defaults, "detector", str, None), member(defaults, "embedder", str, None),
                   [Model.of(one) for one in rows(raw, "models")])


@dataclass(frozen=True)
class OtherFace:
    """The trained face of somebody else that a refused photo looks like."""
    face_id: str
    distance: float
    similarity: float
    label: str | None = None     # None: the key may not read names, or the face was removed since
    person_id: str | None = None
    name_shared: bool = False    # as of Candidate

    @classmethod
    def of(cls, raw: Json) -> OtherFace:
        return cls(member(raw, "face_id", str), member(raw, "distance", float), member(raw, "similarity", float),
                   member(raw, "label", str, None), member(raw, "person_id", str, None),
                   member(raw, "name_shared", bool, False))


@dataclass(frozen=True)
class TrainedPhoto:
    index: int
    accepted: bool
    face_id: str | None
    reason: str | None
    taught_before: bool = False  # face_id is the earlier face
    detail: str | None = None    # one sentence; of a quality gate with the measured and the wanted value
    quality: Quality | None = None
    other: OtherFace | None = None  # of the reason looks_like_other

    @classmethod
    def of(cls, raw: Json) -> TrainedPhoto:
        other: Json | None = member(raw, "other", dict, None)
        return cls(member(raw, "index", int), raw.get("state") == "accepted", member(raw, "face_id", str, None),
                   member(raw, "reason", str, None), member(raw, "taught_before", bool, False),
                   member(raw, "detail", str, None), Quality.of(raw), None if other is None else OtherFace.of(other))


@dataclass(frozen=True)
class Training:
    photos: list[TrainedPhoto]
    version: int
    superseded: bool             # a later clear or forget ran first: no face was added

    @classmethod
    def of(cls, raw: Json) -> Training:
        photos = [TrainedPhoto.of(one) for one in rows(raw, "files")]
        return cls(photos, member(raw, "version", int), member(raw, "superseded", bool, False))


@dataclass(frozen=True)
class ModelChange:
    """The outcome of change_model: faces that were embedded again, and those that were removed."""
    version: int
    embedding_model: str
    faces: int
    left_out: int

    @classmethod
    def of(cls, raw: Json) -> ModelChange:
        return cls(member(raw, "version", int), member(raw, "embedding_model", str), member(raw, "faces", int),
                   member(raw, "left_out", int))


@dataclass(frozen=True)
class Change:
    version: int                 # no later answer of the service uses an older one
    faces: int                   # removed, or renamed

    @classmethod
    def of(cls, raw: Json) -> Change:
        renamed = member(raw, "renamed_faces", int, None)
        return cls(member(raw, "version", int),
                   member(raw, "removed_faces", int) if renamed is None else renamed)


@dataclass(frozen=True)
class Person:
    label: str
    count: int
    picture_face_id: str | None = None  # a face with a picture: face_picture(label, …)
    person_id: str | None = None
    name_shared: bool = False    # as of Candidate

    @classmethod
    def of(cls, raw: Json) -> Person:
        return cls(member(raw, "label", str), member(raw, "count", int), member(raw, "picture_face_id", str, None),
                   member(raw, "person_id", str, None), member(raw, "name_shared", bool, False))


@dataclass(frozen=True)
class TrainedFace:
    face_id: str
    raw: Json = field(repr=False)
    picture: bool = False        # whether face_picture(label, face_id) works
    quality_score: float | None = None  # Quality.score of its photo; None of a face that was taught before it was measured

    @classmethod
    def of(cls, raw: Json) -> TrainedFace:
        return cls(member(raw, "face_id", str), raw, member(raw, "picture", bool, False),
                   member(raw, "quality_score", float, None))


@dataclass(frozen=True)
class Collection:
    name: str
    people: int
    faces: int
    version: int
    embedding_model: str | None = None  # None while empty
    dimension: int | None = None        # numbers of each embedding; None while empty
    keep_pictures: bool | None = None   # None: as the workers are set

    @classmethod
    def of(cls, raw: Json) -> Collection:
        return cls(member(raw, "name", str), member(raw, "people", int), member(raw, "faces", int),
                   member(raw, "version", int), member(raw, "embedding_model", str, None),
                   member(raw, "dimension", int, None), member(raw, "keep_pictures", bool, None))


@dataclass(frozen=True)
class Lesson:
    """One photo of a folder: `learned`, or the reason."""
    label: str
    path: str
    learned: bool
    reason: str | None = None
    detail: str | None = None    # a sentence about it, where the service gave one


@dataclass(frozen=True)
class Job:
    id: str
    type: str
    state: State
    collection: str              # "": a detect, embed or verify that named none
    attempt: int
    label: str | None
    result: Json | None = field(repr=False)
    error_code: str
    error_detail: str
    raw: Json = field(repr=False)

    @property
    def is_finished(self) -> bool:
        return self.state in TERMINAL

    @property
    def verdicts(self) -> list[TrainedPhoto]:
        """Of a train of which no photo could be used: the verdict on each; [] from a service that gives none."""
        error: Json = member(self.raw, "error", dict, {})
        return [TrainedPhoto.of(one) for one in rows(error, "files")] if error.get("files") is not None else []

    @classmethod
    def of(cls, raw: Json) -> Job:
        error: Json = member(raw, "error", dict, {})
        state = member(raw, "state", str)
        if state not in STATES:
            raise InvalidResponse(f"the answer has a job of state {shown(state)}")
        return cls(member(raw, "id", str), member(raw, "type", str), cast(State, state),
                   member(raw, "collection", str, ""), member(raw, "attempt", int), member(raw, "label", str, None),
                   member(raw, "result", dict, None), member(error, "code", str, ""),
                   member(error, "detail", str, ""), raw)
