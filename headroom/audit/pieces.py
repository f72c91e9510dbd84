"""A body cut into its members and the items of its conversation, as they are written; what two bodies begin with is cut once."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field

SPACE = re.compile(r"[ \t\r\n]*")

REMEMBERED = 8
"""Bodies: the agent's last and one of a sub-agent's, each in up to four forms."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """One body."""

    text: str
    members: dict[str, str]
    """All but the conversation, or all where that is no list."""
    items: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Where in the text each item ends."""


class Cutter:
    """Cuts the bodies of one recording."""

    def __init__(self, items: str) -> None:
        self._items = items
        self._decoder = json.JSONDecoder()
        self._last: deque[Pieces] = deque(maxlen=REMEMBERED)

    def cut(self, body: bytes) -> Pieces:
        """Of a body that is a JSON object."""
        pieces = Pieces(body.decode("utf-8", "surrogatepass"), {})
        text = pieces.text
        at = _skip(text, 1 + _skip(text, 0))
        while text[at] != "}":
            name, at = self._decoder.raw_decode(text, at)
            start = _skip(text, _skip(text, at) + 1)
            if name == self._items and text[start] == "[":
                at = self._list(pieces, start)
            else:
                at = self._decoder.raw_decode(text, start)[1]
                pieces.members[name] = text[start:at]
            at = _comma(text, at)
        self._last.append(pieces)
        return pieces

    def _list(self, pieces: Pieces, start: int) -> int:
        """Answers where the list ends."""
        text = pieces.text
        before, count = self._begun(text)
        at = _skip(text, start + 1)
        if before is not None and count:
            pieces.items.extend(before.items[:count])
            pieces.ends.extend(before.ends[:count])
            at = _comma(text, pieces.ends[-1])
        while text[at] != "]":
            end = self._decoder.raw_decode(text, at)[1]
            pieces.items.append(text[at:end])
            pieces.ends.append(end)
            at = _comma(text, end)
        return at + 1

    def _begun(self, text: str) -> tuple[Pieces | None, int]:
        """The body that shares most with this one, and how many of its items."""
        best: Pieces | None = None
        most = 0
        for pieces in self._last:
            count = _shared(pieces, text)
            if count > most:
                best, most = pieces, count
        return best, most


def _shared(pieces: Pieces, text: str) -> int:
    return bisect_left(pieces.ends, True, key=lambda end: not text.startswith(pieces.text[:end]))


def _comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    assert found is not None
    return found.end()
