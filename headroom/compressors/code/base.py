"""What every way to outline source code comes to: the bodies in it, as ranges of lines that may be left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Body:
    """Lines `start` to `end` (exclusive, from 0) of a function's body. Nested bodies lie inside it or are not given."""

    start: int
    end: int


class Method(Protocol):
    """A way to find bodies."""

    def __call__(self, lines: Sequence[str], suffix: str) -> Sequence[Body] | None:
        """The bodies in reading order, without overlaps; None if this way does not know the language or cannot read the text."""
        ...
