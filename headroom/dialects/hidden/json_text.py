"""JSON of answers and histories, read so that it can be written again."""

from __future__ import annotations

import json
from math import isfinite

from headroom.conversation import Json
from headroom.dialects.strict import shallow, skip, value_at

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def value_of(data: str | bytes) -> Json:
    """None for what is no JSON, or could not be written again as it was read."""
    try:
        value = json.loads(data, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return None
    return value if shallow(value) else None


def arguments(text: str) -> Json:
    """The object with which a tool is called; models write nothing for an empty one. What is none stays the text that it was."""
    value = value_of(text) if text.strip() else {}
    return value if isinstance(value, dict) else text


def written(value: Json) -> str:
    """As JSON text that has an encoding: half a surrogate pair is left escaped."""
    text = _ENCODE(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def _number(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"{digits} cannot be written")
    return number


def with_last(source: str, member: str, element: str) -> str:
    """The text of an object with one more element at the end of a list in it, which must not be empty."""
    at, end = skip(source, 0), 0
    while source[at] != "}":
        name, at = value_at(source, skip(source, at + 1))
        _, at = value_at(source, skip(source, skip(source, at) + 1))
        end = at if name == member else end
        at = skip(source, at)
    return f"{source[:end - 1]},{element}{source[end - 1:]}"
