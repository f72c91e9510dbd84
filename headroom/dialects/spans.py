"""Where the members of a body stand, and the elements of its arrays."""

from __future__ import annotations

from headroom.conversation import Json
from headroom.dialects.document_memo import Link, Run


class Value:
    """A span of the body, and its value as far as anybody asked for it."""

    __slots__ = ("end", "link", "parsed", "start")

    def __init__(self, start: int, end: int, link: Link | None, parsed: list[Json] | None = None) -> None:
        self.start, self.end, self.link, self.parsed = start, end, link, parsed


class Array:
    """The elements of an array. Of a long one most are never looked at one by one."""

    __slots__ = ("_known", "_rest", "run")

    def __init__(self, run: Run) -> None:
        self.run = run
        self._known: dict[int, Value] = {}
        self._rest: list[Value] = []

    def __len__(self) -> int:
        return len(self.run.links) + len(self._rest)

    def __getitem__(self, i: int) -> Value:
        """`i` counts from the start, or is -1."""
        run, rest = self.run, self._rest
        if i < 0:
            i += len(self)
        if i >= len(run.links):
            return rest[i - len(run.links)]
        value = self._known.get(i)
        if value is None:
            value = self._known[i] = Value(run.starts[i], run.ends[i], run.links[i])
        return value

    def know(self, parsed: Json) -> None:
        """What the last element of the run is."""
        self[len(self.run.links) - 1].parsed = [parsed]

    def add(self, value: Value) -> None:
        """An element that is not remembered, and so none behind it."""
        self._rest.append(value)
