"""JSON of answers and histories, read so that it can be written again."""

from __future__ import annotations

import json
from math import isfinite

from headroom.conversation import Json
from headroom.dialects.strict import shallow

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def value_of(data: str | bytes) -> Json:
    """None for what is no JSON, or could not be written again as it was read."""
    try:
        value = json.loads(data, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return None
    return value if shallow(value) else None


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
