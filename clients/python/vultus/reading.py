"""Reads the JSON of a service that may be a different one: every member is checked before it is used."""
from __future__ import annotations

import json
import math
from typing import Any, TypeVar

from .errors import InvalidResponse

T = TypeVar("T")
Json = dict[str, Any]
MISSING = object()


def value_of(text: bytes, about: str) -> Any:
    """Raises InvalidResponse if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as failure:
        raise InvalidResponse(f"{about}: the answer is not JSON: {failure}") from failure


def fits(value: Any, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def member(raw: Any, name: str, kind: type[T], default: Any = MISSING) -> T:
    """raw[name], which must be of that kind. With a default, it may be absent or null."""
    if not isinstance(raw, dict):
        raise InvalidResponse(f"the answer has {type(raw).__name__} where an object with {name} belongs")
    value = raw.get(name)
    if value is None and default is not MISSING:
        return default  # type: ignore[no-any-return]
    if not fits(value, kind):
        raise InvalidResponse(f"the answer's {name} is {shown(value)}, not {kind.__name__}")
    return value  # type: ignore[no-any-return]


def rows(raw: Any, name: str) -> list[Json]:
    """raw[name], which must be a list of objects."""
    found: list[Any] = member(raw, name, list)
    for one in found:
        if not isinstance(one, dict):
            raise InvalidResponse(f"the answer's {name} has {shown(one)} where an object belongs")
    return found


def numbers(raw: Any, name: str) -> list[float]:
    found: list[Any] = member(raw, name, list)
    if not all(fits(one, float) for one in found):
        raise InvalidResponse(f"the answer's {name} are not numbers")
    return found


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
