"""People with their ids and data: steps as in steps.py, and the result."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidArgument
from .reading import Json, member, rows
from .steps import Call, Steps, Waits, change, finish, get, pages, part, query, send
from .types import Change

KEEP: Any = object()             # of change_person: leave it as it is


@dataclass(frozen=True)
class PersonRecord:
    person_id: str | None        # None: the service is still indexing people of an older version
    name: str                    # other people may have it, too
    external_id: str | None
    metadata: Json | None
    notes: str | None
    faces: int
    created: str | None          # RFC 3339
    last_seen: str | None        # None: the collection has no retention
    raw: Json = field(repr=False)
    name_shared: bool = False    # other people have the name, too

    @classmethod
    def of(cls, raw: Json) -> PersonRecord:
        return cls(member(raw, "person_id", str, None), member(raw, "name", str),
                   member(raw, "external_id", str, None), member(raw, "metadata", dict, None),
                   member(raw, "notes", str, None), member(raw, "faces", int), member(raw, "created", str, None),
                   member(raw, "last_seen", str, None), raw, member(raw, "name_shared", bool, False))


def path_of(person_id: str) -> str:
    return f"/api/people/{part(person_id)}"


def found(collection: str, options: dict[str, str | None], waits: Waits) -> Steps[list[PersonRecord]]:
    raw = yield from pages("/api/people", query(collection, options), "people", waits)
    return [PersonRecord.of(one) for one in raw]


def looked_up(collection: str, options: dict[str, str | None], waits: Waits) -> Steps[list[PersonRecord]]:
    answer = yield from get("/api/people", query(collection, options), waits)
    return [PersonRecord.of(one) for one in rows(answer, "people")]


def find(collection: str, search: str | None, name: str | None, external_id: str | None,
         waits: Waits) -> Steps[list[PersonRecord]]:
    if sum(one is not None for one in (search, name, external_id)) > 1:
        raise InvalidArgument("one of search, name and external_id")
    if name is None and external_id is None:
        return found(collection, {"q": search}, waits)
    return looked_up(collection, {"name": name, "external_id": external_id}, waits)


def person(collection: str, person_id: str, waits: Waits) -> Steps[PersonRecord]:
    return PersonRecord.of((yield from get(path_of(person_id), query(collection, {}), waits)))


def change_person(collection: str, person_id: str, changes: dict[str, Any], waits: Waits) -> Steps[PersonRecord]:
    changes = {name: value for name, value in changes.items() if value is not KEEP}
    if not changes:
        raise InvalidArgument("nothing to change: name, external_id, metadata or notes")
    call = Call("PATCH", path_of(person_id), query(collection, {}), json=changes)
    if "name" not in changes:
        answer = yield from send(call, waits)
        return PersonRecord.of(answer.json())
    yield from finish(call, None, waits)
    return (yield from person(collection, person_id, waits))


def forget(collection: str, person_id: str, face_id: str | None, waits: Waits) -> Steps[Change]:
    path = path_of(person_id) + ("" if face_id is None else f"/faces/{part(face_id)}")
    return change("DELETE", path, query(collection, {}), None, waits)


def merge(collection: str, person_id: str, person_id_to: str, waits: Waits) -> Steps[Change]:
    params = query(collection, {"person_id": person_id, "person_id_to": person_id_to})
    return change("POST", "/api/merge", params, None, waits)
