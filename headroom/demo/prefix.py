"""Whether a request extends the one before it, as providers' prompt caches and prefix checks need it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from headroom.conversation import Json
from headroom.demo.binding import unmarked

BEFORE_THE_ITEMS = ("system", "tools", "instructions", "systemInstruction")
"""Members that the model reads before the conversation."""

SPACE = re.compile(r"[ \t\r\n]*")


def extends(earlier: bytes, later: bytes, items: str) -> bool:
    """Byte for byte, but for the cache mark, which clients move on each turn."""
    old, new = members(earlier.decode()), members(later.decode())
    if any(old.get(name) != new.get(name) for name in BEFORE_THE_ITEMS):
        return False
    before, after = list(elements(old[items])), list(elements(new[items]))
    return len(after) >= len(before) and all(map(_same, before, after))


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    a, b = json.loads(one), json.loads(other)
    # A block loses its mark when a later one gets it, and if it was alone it goes back to being a plain string.
    moved = bool(unmarked(a) != a or unmarked(b) != b)
    return moved and bool(_settled(a) == _settled(b))


def _settled(message: Json) -> Json:
    bare = unmarked(message)
    content = bare.get("content") if isinstance(bare, dict) else None
    if isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
        return {**bare, "content": content[0]["text"]}
    return bare


def members(text: str) -> dict[str, str]:
    """The members of an object as they are written."""
    found: dict[str, str] = {}
    decoder = json.JSONDecoder()
    at = _skip(text, 1 + _skip(text, 0))
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        at = decoder.raw_decode(text, start)[1]
        found[name] = text[start:at]
        at = _comma(text, at)
    return found


def elements(text: str) -> Iterator[str]:
    """The elements of an array as they are written."""
    decoder = json.JSONDecoder()
    at = _skip(text, 1 + _skip(text, 0))
    while text[at] != "]":
        end = decoder.raw_decode(text, at)[1]
        yield text[at:end]
        at = _comma(text, end)


def _comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    assert found is not None
    return found.end()
