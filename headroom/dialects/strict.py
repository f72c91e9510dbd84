"""A JSON parser that takes only what every reader understands alike, and says where a value ends."""

from __future__ import annotations

import json
import re

from headroom.conversation import Json

DEPTH = 200
"""Levels of nesting beyond which we do not look: real bodies have some 20 (JSON schemas), and Python's parser gives up
at 1000 stack frames, wherever it was called from, so a fixed limit is what makes every machine decide alike."""

DIGITS = 4000
"""Longer integers become floats: reading them takes quadratic time, and newer Pythons refuse (from 4300 on)."""

SPACE = re.compile(r"[ \t\n\r]*")


class Repeated(Exception):
    """An object names a member twice; readers differ in which one counts."""


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Repeated
    return value


def _integer(digits: str) -> Json:
    return int(digits) if len(digits) <= DIGITS else float(digits)


def _constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


value_at = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_constant=_constant).raw_decode
"""The value that starts at a position of a text, and where it ends. Raises ValueError, Repeated or RecursionError."""


def skip(text: str, at: int) -> int:
    """The next position that is not white space."""
    match = SPACE.match(text, at)
    assert match is not None  # it may match nothing, but it always matches
    return match.end()


def shallow(value: Json) -> bool:
    """Whether a value is nested at most DEPTH levels deep."""
    level = [value]
    for _ in range(DEPTH):
        below: list[Json] = []
        for outer in level:
            if isinstance(outer, dict):
                below += outer.values()
            elif isinstance(outer, list):
                below += outer
        if not below:
            return True
        level = below
    return False


def parsed(text: str) -> Json:
    """The value a JSON text stands for; the text itself if it is none."""
    try:
        value, end = value_at(text, skip(text, 0))
    except (ValueError, Repeated, RecursionError):
        return text
    return value if skip(text, end) == len(text) and shallow(value) else text
