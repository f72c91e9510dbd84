"""Hears answers that are one JSON value: each is held to its end, and then one is made of all, whatever the API.

What does not begin as an object asks nothing and is not kept waiting: Gemini streams an array where no events were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Round, Told
from headroom.dialects.hidden.json_text import value_of
from headroom.dialects.shapes import mapping

Object = Mapping[str, Json]

HELD_MOST = 8 << 20
"""Bytes of one answer, all its rounds together, that are held: the longest (128 k tokens) are under 1 MB without events."""

_NAMED = NAME.encode()


class Answers(Protocol):
    """What one API makes of whole answers. Any JSON object may come, {} for what is none."""

    def heard(self, answer: Object) -> Round: ...

    def shown(self, answer: Object, past: Sequence[Object]) -> str | None:
        """An answer behind those of earlier rounds, as the one that the client gets; None if it goes on as it came."""
        ...

    def told(self, answers: Sequence[Object]) -> Told: ...


class WholeEar:
    """An Ear for any of them."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._past: list[Object] = []
        self._data: list[bytes] = []
        self._size = 0
        self._begun = self._gone = self._ended = False
        self._answer: Object = {}

    def feed(self, data: bytes) -> bytes:
        if self._gone or not data:
            return data
        if self._ended:
            self._past.append(self._answer)
            self._data, self._answer, self._ended = [], {}, False
        self._data.append(data)
        self._size += len(data)
        begins = b"" if self._begun else data.lstrip()[:1]
        self._begun = self._begun or begins != b""
        self._gone = self._size > HELD_MOST or begins not in (b"", b"{")
        if not self._gone:
            return b""
        spilt = b"".join(self._data)
        self._past, self._data = [], []
        return spilt

    def end(self) -> Round:
        if self._gone or self._ended:  # a second end is that of an answer without a byte
            return Round()
        self._ended = True
        body = b"".join(self._data)
        self._data = [body]
        if self._past or _NAMED in body:
            self._answer = mapping(value_of(body))
        return self._answers.heard(self._answer)

    def finish(self) -> bytes:
        if self._gone:
            return b""
        shown = self._answers.shown(self._answer, self._past)
        return b"".join(self._data) if shown is None else shown.encode()

    def told(self) -> Told:
        if self._gone:
            return Told()
        return self._answers.told([*self._past, self._answer or mapping(value_of(b"".join(self._data)))])
