"""What one request leaves for the next of the same conversation, so that each step looks only at what is new.

Nothing here is trusted: who finds something compares it with what there is now, object by object, before any of it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from operator import is_
from typing import Any


class Traces:
    """Left by name; safe to share between threads, as what was left is never changed, only replaced."""

    __slots__ = ("_left", "foreign")

    def __init__(self) -> None:
        self._left: dict[str, Any] = {}
        self.foreign = 0
        """Bytes of texts in what was left that stand elsewhere in the request, and are kept alive by this."""

    def find(self, name: str) -> Any:
        return self._left.get(name)

    def leave(self, name: str, value: object) -> None:
        self._left[name] = value

    def copy(self) -> Traces:
        """For a conversation that goes on from here."""
        twin = Traces()
        twin._left, twin.foreign = dict(self._left), self.foreign
        return twin


def shared(one: Sequence[object], other: Sequence[object]) -> int:
    """How many at the head of both are the very same objects. Equal ones may yet differ: 1 equals 1.0, and is sent otherwise."""
    if all(map(is_, one, other)):  # as is nearly always so, and sooner known
        return min(len(one), len(other))
    return len(list(takewhile(bool, map(is_, one, other))))
